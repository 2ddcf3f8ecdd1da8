"""``/console``: the pages of the city's own staff, server-rendered; every act works as a plain form.

- ``desk``      what the pages need, handed in
- ``sessions``  who is signed in, what they may do, and that a form is ours
- ``pages``     one way to answer with a page, under one strict policy
- ``languages`` English and Spanish
- ``areas``     the navigation
- ``errors``    a page for whatever goes wrong
- ``forms``     what was typed, and what is wrong with it
- ``addresses`` where a person may be sent on to
- ``entrance``  sign-in and sign-out
- ``oidc``      sign-in by the city's identity provider (``provider``, ``id_token``)
- ``account``   a person's own account
- ``people``    everybody's, for administrators
- ``proof``     who is signed in proves it again
- ``queue``     the denied requests that wait, under ``filters``, in ``views`` that a person keeps
- ``search``    two ways to one of them
- ``assign``    who looks after them
- ``export``    the queue as a table
- ``reviews``   one of them
- ``letter``    its denial as a letter, worded in ``letter_words``
- ``documents`` the papers that came with one, given out and taken in
- ``cases``     rulings proposed as cases of the law
- ``acts``      what a person does about a request
- ``papers``    a court's paper is verified
- ``unmask``    the one way to see a plate
- ``dashboard`` figures of the log, how things stand, alerts; drawn by ``charts``, taken out by ``sheets``
- ``policy_draft`` a change of the law: its files (``policy_files``) in the editor, what is wrong with them
  (``_checks``), a provision begun (``_new``), what it changes (``_changes``), proposed (``_propose``)
- ``stops``     the switch: what is in force, and the two steps to stop; ``resume`` the two to let go on
- ``holds``     legal holds, and what is erased next; ``placing`` the two steps to place and to lift one
- ``ledger``    the log: searched, and one entry with its proof; ``log_checks``, ``log_export``
- ``agencies``  who may ask: their standing, what they signed, what they asked; suspended and reinstated
- ``notices``   what agencies were told, and what has not reached them
- ``samples``   permits drawn by lot, for a supervisor to mark right or wrong
- ``permits``   one of them
- ``try_it``    a request, made up or past, under the law in force and under a candidate
- ``lexicon``   legal's words, changed in a working copy, counted on past words
- ``policies``  the law in force, section by section, and each provision (``in_force``, ``rego``)
- ``revisions`` the texts of the law, and each with what was found of it (``revision_facts``)
- ``revision_jobs`` one is checked and replayed
- ``shadows``   one decides beside the law, without effect; what it came to (``shadow_figures``)
- ``approvals`` people say yes or no to one; ``rollbacks`` two return to an earlier one

Nothing is decided here: a ruling is a fact that the policy is given.
"""

from __future__ import annotations

from flask import Blueprint

from gatekeeper.web.console.account import add_account
from gatekeeper.web.console.acts import add_acts
from gatekeeper.web.console.agencies import add_agencies
from gatekeeper.web.console.approvals import add_approvals
from gatekeeper.web.console.assign import add_assignment
from gatekeeper.web.console.cases import add_cases
from gatekeeper.web.console.dashboard import add_dashboard
from gatekeeper.web.console.desk import Desk, LawDesk, Oversight
from gatekeeper.web.console.documents import add_documents
from gatekeeper.web.console.entrance import add_entrance, add_exit, add_home
from gatekeeper.web.console.errors import add_errors
from gatekeeper.web.console.export import add_export
from gatekeeper.web.console.holds import add_holds
from gatekeeper.web.console.ledger import add_ledger
from gatekeeper.web.console.letter import add_letter
from gatekeeper.web.console.lexicon import add_lexicon
from gatekeeper.web.console.log_checks import add_log_checks
from gatekeeper.web.console.log_export import add_log_export
from gatekeeper.web.console.notices import add_notices
from gatekeeper.web.console.oidc import add_oidc
from gatekeeper.web.console.pages import STATIC
from gatekeeper.web.console.papers import add_papers
from gatekeeper.web.console.people import add_people
from gatekeeper.web.console.permits import add_permits
from gatekeeper.web.console.placing import add_placing
from gatekeeper.web.console.policies import add_policies
from gatekeeper.web.console.policy_draft import add_policy_draft
from gatekeeper.web.console.policy_draft_changes import add_policy_draft_changes
from gatekeeper.web.console.policy_draft_checks import add_policy_draft_checks
from gatekeeper.web.console.policy_draft_new import add_policy_draft_new
from gatekeeper.web.console.policy_draft_propose import add_policy_draft_propose
from gatekeeper.web.console.proof import add_proof
from gatekeeper.web.console.queue import add_queue
from gatekeeper.web.console.reviews import add_reviews
from gatekeeper.web.console.revision_jobs import add_revision_jobs
from gatekeeper.web.console.revisions import Shown, add_revisions
from gatekeeper.web.console.rollbacks import add_rollbacks
from gatekeeper.web.console.samples import add_samples
from gatekeeper.web.console.search import add_search
from gatekeeper.web.console.sessions import Sessions
from gatekeeper.web.console.shadows import add_shadows
from gatekeeper.web.console.stops import add_stops
from gatekeeper.web.console.try_it import add_try_it
from gatekeeper.web.console.unmask import add_unmask
from gatekeeper.web.console.views import add_views

__all__ = ["Desk", "LawDesk", "Oversight", "console_blueprint"]


def console_blueprint(desk: Desk) -> Blueprint:
    """Return the routes of the console."""
    blueprint = Blueprint("console", __name__, url_prefix="/console", static_folder=STATIC)
    sessions = Sessions(desk)
    add_errors(blueprint, desk, sessions)
    add_home(blueprint, desk, sessions)
    add_entrance(blueprint, desk, sessions)
    add_exit(blueprint, desk, sessions)
    if desk.provider is not None:
        add_oidc(blueprint, desk, sessions, desk.provider)
    add_proof(blueprint, desk, sessions)
    add_account(blueprint, desk, sessions)
    add_people(blueprint, desk, sessions)
    add_letter(blueprint, desk, sessions)
    queue = add_queue(blueprint, desk, sessions)
    add_search(blueprint, desk, sessions)
    add_views(blueprint, desk, sessions, queue)
    add_assignment(blueprint, desk, sessions, queue)
    add_export(blueprint, desk, sessions)
    show = add_reviews(blueprint, desk, sessions)
    add_documents(blueprint, desk, sessions, show)
    add_acts(blueprint, desk, sessions, show)
    add_papers(blueprint, desk, sessions, show)
    add_unmask(blueprint, desk, sessions, show)
    add_cases(blueprint, desk, sessions)
    add_policy_draft(blueprint, desk, sessions)
    add_policy_draft_checks(blueprint, desk, sessions)
    add_policy_draft_new(blueprint, desk, sessions)
    add_policy_draft_changes(blueprint, desk, sessions)
    add_policy_draft_propose(blueprint, desk, sessions)
    add_stops(blueprint, desk, sessions)
    add_holds(blueprint, desk, sessions)
    add_placing(blueprint, desk, sessions)
    add_dashboard(blueprint, desk, sessions)
    add_ledger(blueprint, desk, sessions)
    add_log_checks(blueprint, desk, sessions)
    add_log_export(blueprint, desk, sessions)
    add_agencies(blueprint, desk, sessions)
    add_notices(blueprint, desk, sessions)
    add_samples(blueprint, desk, sessions)
    add_permits(blueprint, desk, sessions)
    add_try_it(blueprint, desk, sessions)
    add_lexicon(blueprint, desk, sessions)
    add_policies(blueprint, desk, sessions)
    shown = Shown(desk)
    add_revision_jobs(blueprint, desk, sessions, add_revisions(blueprint, desk, sessions, shown))
    add_approvals(blueprint, desk, sessions, shown)
    add_rollbacks(blueprint, desk, sessions)
    add_shadows(blueprint, desk, sessions)
    return blueprint
