"""An agency is told that the review of its query has moved, or that what it signed ends, until it got there.

- ``told``       who is told of a notice
- ``addresses``  where a webhook may lead, and where never
- ``endpoints``  an agency's webhooks: added, rotated, disabled, each with its entry in the log
- ``webhook``    one try at one webhook: signed, pinned to the address that was checked, cut off in time
- ``mail``       one try at one e-mail through the city's own server
- ``letter``     what the e-mail says
- ``reminders``  who is reminded, and when, that what was signed ends
- ``announced``  an agency's contacts are told at once that somebody signed for it
- ``shown``      what staff read of notices on their way
- ``stolen``     what a client asked whose key was stolen, and the draft of what its agency is told
- ``connecting``, ``fetching``  one connection, and one document fetched from a registered address
- ``delivery``   the thread that tries, tries again, and gives up

Guarantees: a notice says which query or signature, what happened and where to ask: whoever intercepts it
learns no plate, place, name or word. Nothing here decides or releases anything, and nothing that fails here
stops or slows a query.
"""

from gatekeeper.notices.addresses import Reach
from gatekeeper.notices.delivery import Deliverer
from gatekeeper.notices.endpoints import Endpoints
from gatekeeper.notices.mail import Mail, MailServer
from gatekeeper.notices.outcomes import Outcome
from gatekeeper.notices.webhook import Webhooks

__all__ = ["Deliverer", "Endpoints", "Mail", "MailServer", "Outcome", "Reach", "Webhooks"]
