"""One query as a file for a court or a records request, which a stranger can check.

- ``dossier``  all that the city has of a query, gathered once the log says who takes it along
- ``papers``   what was sent with it
- ``readme``   what the file says of itself
- ``file``     a dossier as one zip
"""
