"""Every kind of fault that a bundle can have: how its words are recognised, said to a lawyer, and cured.

The words on the left are those of ``layout``, ``bundle``, ``provisions``, ``soundness``, ``rehearsal`` and
``policies/checks``; a test holds that each fault which they can raise is known here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

Place: TypeAlias = str
"""A pattern of the line that a fault is about, or ``json``: where the file stops being JSON."""

UNKNOWN = "Compare the file with a provision that works, or ask whoever looks after the gatekeeper."
_RESTORE = "Restore it from the policies that were shipped."
_METADATA = r"^# METADATA\s*$"
_PACKAGE = r"^package "


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fault; an empty ``message`` leaves its own words. Braces in a text name a part of them."""

    pattern: re.Pattern[str]
    message: str
    cure: str
    place: Place | None = None


def _kind(pattern: str, message: str, cure: str, place: Place | None = None) -> Kind:
    return Kind(re.compile(pattern, re.DOTALL), message, cure, place)


KINDS = (
    # Rego as a language: what the parser says, and what it mostly means.
    _kind(
        r"not Rego: expecting expression",
        "The rule breaks off here: an expression is missing, or a brace was opened and never closed",
        "Complete the line, and close every { with a } on a line of its own.",
    ),
    _kind(
        r"not Rego: expecting `(?P<sign>.)`(?P<where>.*)",
        "The engine expected {sign} here and found something else",
        "Look at this line and the one above: a bracket, comma or quotation mark is missing or too many.",
    ),
    _kind(
        r"not Rego: `if` keyword is required before rule body",
        "The word `if` is missing between the name of the rule and its {",
        "Write `satisfied if {`.",
    ),
    _kind(
        r"not Rego: invalid character in string",
        "A text in quotation marks is not closed on its line",
        'Close the text with ".',
    ),
    _kind(
        r"not Rego: expecting `package` .*",
        "The file does not begin with its package",
        "Below the METADATA comment, name it as the directory is, with dots: package sharing.affirmation.",
    ),
    _kind(
        r"not Rego: rule must have a body or assignment",
        "A line of this rule is more than one statement, or stands outside of every rule",
        "Put each statement on a line of its own, inside { and }.",
    ),
    _kind(
        r"not Rego: could not find function (?P<name>\S+)",
        "There is no function {name}",
        "Correct its spelling, or import the fact that it belongs to.",
    ),
    _kind(
        r"not Rego: use of undefined variable `(?P<name>\w+)` is unsafe.*",
        "Nothing gives {name} a value: it is no fact, no rule and nothing that is imported",
        "Correct its spelling, or import the fact or the setting that is meant.",
    ),
    _kind(
        r"not Rego: (?P<said>.*)",
        "The engine cannot read the rule here: {said}",
        "Look at this line and the one above; compare them with a provision that works.",
    ),
    # METADATA: what a provision says of itself.
    _kind(
        r"no METADATA directly above the package line",
        "The comment that states the law (METADATA) is missing directly above the package line",
        "Begin the file with `# METADATA` and its fields, with no empty line before `package`.",
        _PACKAGE,
    ),
    _kind(
        r"more than one METADATA above the package line: only one can be quoted",
        "",
        "Keep one METADATA comment.",
        _METADATA,
    ),
    _kind(
        r"METADATA is not YAML.*",
        "The METADATA comment cannot be read",
        "Keep the indentation, one name a line and each once; put a text with a colon in quotation marks.",
        _METADATA,
    ),
    _kind(
        r"METADATA is not a mapping|METADATA custom is not a mapping",
        "The METADATA comment does not have its fields",
        "Write each field as `name: text`, those of the law indented below `# custom:`.",
        _METADATA,
    ),
    _kind(
        r"(?:custom: )?METADATA lacks (?P<key>\w+)",
        "METADATA does not say its {key}",
        "Add a line `{key}:` where the other provisions have it; policies/README.md says what it means.",
        _METADATA,
    ),
    _kind(
        r"(?:custom: )?METADATA has an unknown key (?P<key>.*)",
        "METADATA has a field {key} that nobody knows",
        "Correct its spelling, or remove it.",
        r"^#\s+{key}\s*:",
    ),
    _kind(
        r"METADATA scope must be package: it speaks for the whole provision",
        "",
        "Write `# scope: package`.",
        r"^# scope:",
    ),
    _kind(
        r"METADATA (?P<key>\w+) must be (?P<what>.*)",
        "METADATA's {key} must be {what}",
        "Correct it on this line.",
        r"^#\s+{key}\s*:",
    ),
    # The manifest, and what must stand beside it.
    _kind(
        r"missing, though the manifest lists (?P<code>\w+)",
        "The file of the provision {code} is missing, though .manifest lists it",
        "Restore the file; if the provision is to go for good, remove it from .manifest and main/main.rego.",
    ),
    _kind(
        r"missing, or without a test_ rule: an untested provision is not law",
        "",
        "Write the provision's tests there, each a rule whose name begins with test_.",
    ),
    _kind(
        r"not listed in the manifest: nothing would require it",
        "The provision is not in .manifest, so nothing would require it",
        "Add its code to .manifest and its lines to main/main.rego, as `gatekeeper policy new` does.",
        _PACKAGE,
    ),
    _kind(r"missing or unreadable, though .*", "", _RESTORE),
    _kind(r"missing", "The file is missing", _RESTORE),
    _kind(
        r"(?P<code>\S+) is listed twice",
        "",
        "Remove one of the two.",
        r'"{code}"(?=[\s\S]*"{code}")',
    ),
    _kind(
        r"(?:(?:label|roots|rego_version|provisions|packs) must|must have exactly|a provision's code is"
        r"|\S+ must begin with|'.*' is no name of a pack).*",
        "",
        "Correct it in .manifest; only its label and its lists of codes are ever changed by hand.",
    ),
    _kind(
        r"the manifest does not list the pack .*|/provisions must be those that the manifest lists .*",
        "",
        "Let .manifest and the pack's pack.json list the same provisions in the same order.",
    ),
    _kind(
        r"/?packs.*|/packs/.*",
        "",
        "Correct the list `packs` in data/city.json.",
        r'"packs"\s*:',
    ),
    # main.
    _kind(
        r"needs exactly one rule `(?P<proof>.*)`",
        "The decision does not ask for this provision exactly once",
        "Keep it once, as it stands here: {proof}",
        r"^proved contains",
    ),
    _kind(
        r"`(?P<proof>.*)` could call proved what the manifest does not list",
        "A line of the decision calls something proved that .manifest does not list, or in another form",
        "Remove the line, or add the provision to .manifest; each line has one fixed form.",
        r"^proved contains",
    ),
    _kind(
        r"asks for (?P<code>\w+), which .*", "", "Remove its code from main/main.rego, or select its pack."
    ),
    _kind(r"has no rule decision", "The decision itself is missing", _RESTORE),
    # References and effects.
    _kind(
        r"(?P<name>\S+) is nothing that exists",
        "The rule looks at {name}, which does not exist, so it could never hold",
        "Correct the spelling, or import the fact that is meant.",
        r"\b{name}\b",
    ),
    _kind(
        r"imports (?P<name>\S+), which is nothing that exists",
        "",
        "Correct the import, or remove it; facts are in facts/, settings in data/.",
        r"^import {name}\b",
    ),
    _kind(
        r"reads (?P<name>\S+): .*",
        "",
        "Judge the facts themselves; what several provisions need belongs in facts/.",
        r"{name}",
    ),
    _kind(
        r"(?P<name>\S+) is not in the closed list of builtins",
        "The rule uses {name}, which rules may not use",
        "Say it with what other provisions use. Clock, network and chance are closed to rules: a decision "
        "must be the same when it is made again.",
    ),
    _kind(
        r"`with` replaces facts while the law is applied: it belongs in tests",
        "",
        "Move the line into the provision's test.",
    ),
    _kind(r"rule (?P<name>\S+) hides what is built in", "", "Give the rule another name."),
    _kind(
        r"depends on itself; recursion crashes the embedded engine",
        "The rule depends on itself",
        "Let it depend on facts only.",
    ),
    _kind(
        r"package (?P<package>\S+) is (?:not its path, (?P<path>\S+)|also that of (?P<other>\S+))",
        "",
        "Name the package as the file's directory, with dots for slashes.",
        _PACKAGE,
    ),
    _kind(r"(?P<data>data/\S+) has the name of a package", "", "Give the data file another name.", _PACKAGE),
    _kind(
        r"(?:its review is none, yet it reads|may read of) (?P<name>input\.ruling).*|imports input\.ruling.*",
        "",
        "If staff or counsel may cure a denial by it, say so in METADATA's review; else remove the line.",
        r"ruling",
    ),
    # The trial.
    _kind(
        r"satisfied by no facts at all",
        "The provision is satisfied when nothing is known, so it would permit everything",
        "Begin the rule by establishing what it looks at, such as is_string(input.purpose.narrative).",
        r"^(?:default )?satisfied\b",
    ),
    _kind(
        r".*must be a denial|.*permits when there are no facts",
        "",
        "Restore main/main.rego: without facts it denies.",
    ),
    _kind(
        r"(?P<rule>data\.\S+) alone takes longer than the budget of (?P<ms>\d+) ms.*",
        "",
        "Let the rule look at each thing once: it goes through a list for each item of a list, or builds "
        "what doubles, so unusual facts would hold up every request.",
    ),
    _kind(
        r"the trial failed.*|the engine did not finish.*|the engine died.*|the worst case took.*",
        "",
        "Undo the last change to a rule: it fails, takes too long or refers to itself on unusual input.",
    ),
    # Data files.
    _kind(
        r"not JSON",
        "The file is not JSON: something is missing or too many at or just before this line",
        "Mostly it is a comma: one between any two items, none after the last.",
        "json",
    ),
    _kind(
        r"a key is written twice|a number is too large|it is nested too deeply|\S+ is not JSON",
        "",
        "Correct it; a name may stand once in its group, and a number is written out in digits.",
        "json",
    ),
    _kind(r"not a JSON schema", "The schema cannot be read", _RESTORE, "json"),
    _kind(
        r"has no schema/.*|there is no data/.*",
        "",
        "A data file and its schema come together: restore the other one.",
    ),
    _kind(
        r"/(?P<where>.*?): Additional properties are not allowed \((?P<names>.*) (?:was|were) unexpected\)",
        "{names} is nothing that may stand at /{where}",
        "Correct the spelling, or remove it; the file of the same name in schema/ says what may stand there.",
    ),
    _kind(
        r'/(?P<where>.*?): "(?P<name>.*)" is a required property',
        "At /{where}, {name} is missing",
        "Add it; the file of the same name in schema/ says what it means.",
    ),
    _kind(
        r"/(?P<where>.*?): (?P<value>.*) is not of types? (?P<type>.*)",
        "/{where} must be of type {type} and is {value}",
        "Write a text (string) in quotation marks, a number (integer) without, a list (array) in [ ], a "
        "group (object) in { }, and true or false (boolean) as they are.",
    ),
    _kind(
        r"/(?P<where>.*?): (?P<said>.*)",
        "/{where}: {said}",
        "Change it to what the file of the same name in schema/ allows.",
    ),
    # Capabilities, and what lies in the directory.
    _kind(
        r"must be \{.*|builtins must be sorted.*|\S+ may never be used",
        "",
        f"{_RESTORE} Which functions a rule may use is not for the law to say.",
    ),
    _kind(
        r"belongs nowhere in the known layout",
        "The file belongs nowhere in a directory of policies",
        "Move it out, or correct its name; policies/README.md says what stands where.",
    ),
    _kind(r"neither a plain file nor a directory.*", "", "Put the file itself there, not a link to it."),
    _kind(
        r"larger than .*|more than .* files.*|not UTF-8|holds NUL.*|cannot be read",
        "",
        "Save it as plain text in UTF-8 with ordinary line ends, readable by you.",
    ),
    _kind(r"not a directory of policies", "", "Name the directory that holds .manifest."),
    # Tests and cases.
    _kind(
        r"(?P<name>test_\w+) is written twice: .*",
        "",
        "Give one of the two another name.",
        r"^{name}\b(?![\s\S]*^{name}\b)",
    ),
    _kind(
        r"no provision is called .*|a case stands in .*|a case says .*|the provisions that a case .*",
        "",
        "Write `expect` as the other cases do: outcome, the codes that are not met in order, and review.",
    ),
    # policies/checks.
    _kind(
        r"(?P<key>\w+) is missing or empty",
        "METADATA's {key} is missing or empty",
        "Write it; the agency reads it when it is denied.",
        r"^#\s+{key}\s*:",
    ),
    _kind(
        r"review is not .*|\w+ is not true or false|effective_on is not a day that exists",
        "A value in METADATA is not one that is known",
        "Review is none, staff or counsel; the flags are true or false; a day is 2026-01-31.",
        _METADATA,
    ),
    _kind(
        r"rules does not name the rules of law.*",
        "METADATA's rules does not name paragraphs of law",
        "Name them as policies/README.md does, such as [IL-1, EV-3].",
        r"^#\s+rules\s*:",
    ),
    _kind(
        r"is reviewed, but its remedy says that there is none",
        "",
        "Say in remedy what to send, or let review be none.",
        r"^#\s+remedy\s*:",
    ),
    _kind(
        r"asks for two people, and nobody may rule on it|METADATA two_people must be false where .*",
        "METADATA asks for two people, and nobody may rule on the provision",
        "Let review be staff or counsel, or leave two_people out.",
        r"^#\s+two_people\s*:",
    ),
    _kind(
        r"does not stand in the directory of its own name|has no test beside it|a provision is named twice"
        r"|is in force, .*|the catalogue .*|policies/checks holds no checks.*|does not say its faults as .*",
        "",
        "A provision is one directory of its own name with its rule and its test; restore what is missing.",
    ),
)
