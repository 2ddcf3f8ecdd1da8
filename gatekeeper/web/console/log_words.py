"""What each event of the log means, in a sentence: one table, as long as the log's own list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gatekeeper.ledger import EVENTS
from gatekeeper.web.console.languages import later

EVENT: Final[Mapping[str, str]] = {
    "query.decided": later("A query was judged, before anything was fetched for it."),
    "query.released": later("Records were released to an agency; this was written before they left."),
    "query.previewed": later("A dry run was judged: nothing can be released on it."),
    "query.refused": later("A query ended without an answer, or callers were not let in: counted by minute."),
    "review.queued": later("A denied query was put before the staff."),
    "review.asked": later("Staff asked the agency for what is missing."),
    "review.answered": later("The agency answered, or appealed."),
    "review.escalated": later("Staff handed a request to counsel."),
    "review.ruled": later("A person ruled: on one provision, or that the denial stands."),
    "review.noted": later("Staff wrote a note to each other about a request."),
    "review.assigned": later("Somebody of the staff looks after a request from here on."),
    "review.withdrawn": later("A ruling, or the verification of a paper, was taken back."),
    "review.expired": later("A review ended because nobody acted in its time."),
    "policy.case_proposed": later("A ruling was proposed as a case of the law."),
    "policy.case_accepted": later("A proposed case of the law was accepted."),
    "policy.case_rejected": later("A proposed case of the law was not accepted."),
    "policy.proposed": later("A change of the policy was proposed."),
    "policy.checked": later("The checks of a proposed policy came to their end."),
    "policy.replayed": later("A proposed policy was tried on past queries."),
    "policy.scheduled": later("A change of the policy was approved by two people and has its moment."),
    "policy.rejected": later("A proposed policy was turned down or called off."),
    "policy.shadowed": later("A proposed policy began, or ceased, to decide beside the active one."),
    "policy.approved": later("A change of the policy was approved by one of two people."),
    "policy.activated": later("Another policy decides from here on."),
    "policy.rolled_back": later("An earlier policy decides again."),
    "stop.set": later("Sharing was stopped. Nothing in its scope is released until the stop is lifted."),
    "stop.lifted": later("A stop was lifted."),
    "agency.added": later("An agency was registered."),
    "agency.changed": later("What is recorded of an agency was changed."),
    "agency.suspended": later("An agency was suspended: it is told so, and gets nothing."),
    "agency.reinstated": later("A suspended agency may ask again."),
    "agency.closed": later("An agency was closed: it is not let in any more."),
    "agency.affirmed": later("An affirmation or declaration of an agency was signed, or ended."),
    "agency.reminded": later("An agency was reminded that what it signed ends."),
    "agency.invited": later("A one-time link was made by which an agency signs a text."),
    "agency.invitation_revoked": later("A link by which an agency was to sign was revoked."),
    "agency.change_proposed": later("Somebody proposed a change of an agency. Another must confirm it."),
    "agency.change_withdrawn": later("A proposal to change an agency was withdrawn."),
    "agency.webhook_added": later("An agency got an address at which it is told of changes."),
    "agency.webhook_rotated": later("The secret of an agency's webhook was changed."),
    "agency.webhook_disabled": later("An agency is no longer told of changes at that address."),
    "credential.added": later("An agency got a client to ask with."),
    "credential.revoked": later("A client was revoked."),
    "credential.key_added": later("A key of a client was added."),
    "credential.key_revoked": later("A key of a client was revoked."),
    "credential.keys_fetched": later("The keys that an agency publishes for a client changed."),
    "credential.token_revoked": later("A token was revoked before it expired."),
    "issuer.added": later("The tokens of an agency's identity provider count from here on."),
    "issuer.changed": later("The keys of an identity provider were exchanged."),
    "issuer.keys_fetched": later("The keys that an identity provider publishes changed."),
    "issuer.suspended": later("The tokens of an identity provider count for nothing for now."),
    "issuer.reinstated": later("The tokens of an identity provider count again."),
    "issuer.removed": later("An identity provider was removed."),
    "officer.suspended": later("An officer of an agency was suspended: what they ask is denied."),
    "officer.reinstated": later("A suspended officer may ask again."),
    "staff.added": later("Somebody got an account in this console."),
    "staff.changed": later("An account of this console was changed."),
    "staff.removed": later("An account of this console was removed."),
    "staff.signed_in": later("Somebody of the staff signed in, or proved who they are."),
    "staff.viewed": later("Somebody of the staff opened what is private of a request."),
    "ledger.key_added": later("Another key signs the log too, from here on."),
    "ledger.key_retired": later("A key of the log was retired: it signs nothing any more."),
    "token_key.prepared": later("A key was published that is to sign access tokens next."),
    "token_key.activated": later("Another key signs access tokens from here on."),
    "token_key.dropped": later("A retired key of access tokens was destroyed: what it signed is refused."),
    "export.made": later("Somebody took a query, figures, a letter or a part of the log along as a file."),
    "purge.begun": later("The erasure of private detail began."),
    "purge.done": later("Private detail was erased at the end of the city's retention."),
    "purge.held": later("Private detail is kept beyond its time, for a court."),
    "purge.unheld": later("Private detail need not be kept for a court any more."),
    "report.sample_drawn": later("A sample of permits was drawn by lot, for a supervisor to judge."),
    "report.sample_marked": later("A permit of a sample was marked right or wrong."),
    "report.published": later("A report to the public was published."),
}

FAMILY: Final[Mapping[str, str]] = {
    "query.": later("Queries"),
    "review.": later("Reviews"),
    "policy.": later("The policy"),
    "stop.": later("Stops"),
    "agency.": later("Agencies"),
    "credential.": later("Credentials"),
    "issuer.": later("Identity providers"),
    "officer.": later("Officers"),
    "staff.": later("Staff"),
    "ledger.": later("The log itself"),
    "token_key.": later("Keys of access tokens"),
    "export.": later("Exports"),
    "purge.": later("Erasure"),
    "report.": later("Reports"),
}

UNKNOWN: Final = later("The event is not on the log's list. Check the log.")


def sentence(event: str) -> str:
    """Return what an event means, to be shown with ``say``."""
    return EVENT.get(event, UNKNOWN)


def families() -> Mapping[str, tuple[str, ...]]:
    """Return the events of each family, in the order of the list."""
    return {family: tuple(event for event in EVENTS if event.startswith(family)) for family in FAMILY}
