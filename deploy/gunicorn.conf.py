# ruff: noqa: INP001 (gunicorn reads it by path)
"""For a supervisor that starts gunicorn itself; `gatekeeper serve` uses the same values from the same place.

gunicorn -c deploy/gunicorn.conf.py 'gatekeeper.cli.serving:application()'
"""

from gatekeeper.cli import serving
from gatekeeper.settings import load

serving.prepare()
_settings = load()
_settings.refuse_unsafe()
globals().update(serving.options(_settings))
