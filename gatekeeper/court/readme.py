"""What the file for a court says of itself: what each part is, what proves it, and how to check it.

Guarantees: it says what the log's key proves and what is the city's word alone; what was erased, or is not
kept, is said to be; every command names files that are there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gatekeeper.court.dossier import Dossier, Told

_GO: Final = """\
package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Usage: check VKEY ENTRY-FILE PROOF-FILE
func main() {
	entry, proof := must(os.ReadFile(os.Args[2])), string(must(os.ReadFile(os.Args[3])))
	steps, checkpoint, _ := strings.Cut(proof, "\\n\\n")
	key := must(note.NewVerifier(os.Args[1]))
	opened := must(note.Open([]byte(checkpoint), note.VerifierList(key)))
	head := strings.Split(opened.Text, "\\n") // the log's name, its size, its root hash
	if head[0] != key.Name() {
		panic("a checkpoint of another log")
	}
	lines := strings.Split(steps, "\\n") // c2sp.org/tlog-proof@v1, "index N", then the hashes
	index := must(strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64))
	var path tlog.RecordProof
	for _, line := range lines[2:] {
		path = append(path, must(tlog.ParseHash(line)))
	}
	size := must(strconv.ParseInt(head[1], 10, 64))
	root := must(tlog.ParseHash(head[2]))
	if err := tlog.CheckRecord(path, size, root, index, tlog.RecordHash(entry)); err != nil {
		panic(err)
	}
	fmt.Println("proved: entry", index, "of", size)
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
"""

_FILES: Final = """\
WHAT EACH FILE IS

decision.json             each decision: permitted or denied, and the provisions that were not met,
                          each with title, citation and message as the law of that day had them
policy/REVISION/...       the whole text of the law that decided
policy/REVISION.listing   its files that decide, each with its SHA-256
opa/REVISION/...          the same law as Open Policy Agent loads it
released/N.json           what was released: how many records, and their digest; the records
                          themselves are not kept by the log and are not in this file
review.json               what else happened to the request, in order: what people did, who by role
entries/N.json            the exact text of each entry of the log about this query
receipts/N.json           the proof that the log holds it
receipts/N.tlog-proof     the same proof as C2SP tlog-proof, for tools that others wrote
checkpoint                the log's signed head that all of these proofs lead to
vkey                      the log's key; see the warning in step 0
export.json               the log's entry which says that this very file was taken along; it is
                          later than the checkpoint, so its proof is asked of the log
manifest.json             the SHA-256 of every other file"""

_NO_PAPERS: Final = "Papers that were sent with the request or an appeal are not in this file."

_PRIVATE_FILES: Final = """\
With its private side there are also:

query/N.json              the request as it was judged by decision N, appeals included
facts/N.json              exactly what the policy was asked with for decision N
receipts/N.json           holds what opens the entry's commitments, too
review.json               has the exact time, the account and the words, too
papers.json               each paper that was sent with the request or an appeal, or that staff took in:
                          its SHA-256, what its sender called it, and which entry commits to it
papers/...                those papers, byte for byte as they came. They were sent by others: nobody has
                          found that they are harmless, so open them as you would any stranger's file"""

_PROVED: Final = """\
WHAT IS PROVED, AND WHAT IS THE CITY'S WORD

Proved by the log's key: each entry stands in the log at its place, and was not changed since; the
text of the law is the one that the entry names, by its digest.

The log cannot prove that nothing was asked outside it, nor that no second history of it was shown
to somebody else: compare the checkpoint with one that others kept, or that a witness signed."""

_COMMITTED: Final = """\
Proved by commitments, which receipts/N.json opens: the exact time, officer, offense, target and
window, the digest of the request (the SHA-256 of query/N.json), provisions that are not public, the
count and digest of the records, who acted in a review, and the reason that they gave; of a paper
that an agency sent, or that staff verified, its SHA-256.

The city's word, sealed beside the entry but not committed to: what facts/N.json says beyond the
request, obligations, roles, `with_it` in review.json, and in papers.json what a paper is called,
when it came, and all of one whose `entry` is null. But the law, asked anew with
facts/N.json, must give the decision that was logged: step 5."""

_BY_HAND: Final = """\
BY HAND

An entry's leaf hash is the SHA-256 of one zero byte and the entry's exact text (RFC 6962):
   (printf '\\0'; cat entries/{first}.json) | openssl dgst -sha256 -binary | base64
Fold it with the hashes of the tlog-proof, one a line, from the first. Begin with n = the index and
m = the size - 1 (the size is line 2 of the checkpoint). For each hash p: if n is odd or n = m, the
new hash is SHA-256(0x01, p, old), and if n is even, halve n and m until n is odd or 0; otherwise
it is SHA-256(0x01, old, p). Then halve n and m (RFC 9162, 2.1.3.2). At the end m is 0, and the hash
is the root on line 3 of the checkpoint. The checkpoint's first three lines, each with its line end,
are what is signed: the line that names the log ends in Base64: four bytes that name the key, then
64 bytes of Ed25519 (c2sp.org/signed-note). The key's third part is Base64: one byte that says 1,
then the 32 bytes of the public key."""

_COMMITMENTS_BY_HAND: Final = """\
A commitment of the name X opens with a salt and a value if it is, in hex, the HMAC-SHA256, under
the salt, of: `gatekeeper/commitment/v1`, line end, X, line end, the value in canonical JSON
(RFC 8785)."""


def readme(dossier: Dossier) -> str:
    """Return the text of README.txt."""
    paragraphs = [_what(dossier), _FILES, _PRIVATE_FILES if dossier.private else _NO_PAPERS]
    paragraphs += _missing(dossier)
    paragraphs += [_PROVED, *([_COMMITTED] if dossier.private else []), *_checking(dossier)]
    paragraphs += [_BY_HAND.format(first=dossier.told[0].index)]
    paragraphs += [_COMMITMENTS_BY_HAND] if dossier.private else []
    program = "THE PROGRAM OF STEP 3: main.go; go mod init check; go get golang.org/x/mod/sumdb/tlog"
    return "\n\n".join([*paragraphs, program, _GO])


def _what(dossier: Dossier) -> str:
    side = "WITH" if dossier.private else "WITHOUT"
    said = (
        "It holds plates, names and words: it is not for publication."
        if dossier.private
        else "It holds what anybody may have: no plate, no name, no word of the request."
    )
    entries = "\n".join(f"  N = {told.index}  {told.stored.event}" for told in dossier.told)
    return (
        f"QUERY {dossier.query_id}, {side} ITS PRIVATE SIDE\n\n{said}\n"
        f"N is the place of an entry in the log {dossier.vkey.split('+')[0]}; about this query there are:\n"
        f"{entries}"
    )


def _missing(dossier: Dossier) -> Iterator[str]:
    """Yield what is not there and might be looked for."""
    if dossier.erased:
        yield (
            "WHAT HAS BEEN ERASED\n\n"
            "The private side of these entries was erased at the end of its time: N = "
            f"{', '.join(map(str, dossier.erased))}.\n"
            "Nobody can open it any more, neither can the city. Everything public is here, and every proof\n"
            "holds; whoever kept a receipt can still show by it what it opens."
        )
    if absent := [paper for paper in dossier.papers if paper.state != "here"]:
        lines = "\n".join(f"   {paper.sha256}  {_ABSENT[paper.state]}" for paper in absent)
        yield f"WHICH PAPERS ARE NOT IN THIS FILE, BY THEIR SHA-256\n\n{lines}"
    if any(told.erased and "documents" in told.entry["commitments"] for told in dossier.told):
        yield (
            "Of an appeal whose private side was erased nobody can say any more whether papers came with\n"
            "it: if some did, they were erased with it."
        )
    if lost := sorted(revision for (revision, _), law in dossier.laws.items() if law is None):
        yield (
            "WHICH TEXT OF THE LAW IS MISSING\n\n"
            f"The city's database has no text of {', '.join(lost)}.\n"
            "Whoever has one can compare its digest with that in the entry."
        )
    kept = [law for law in dossier.laws.values() if law is not None]
    if unloaded := sorted(law.revision for law in kept if not law.opa):
        yield (
            "WHICH TEXT OF THE LAW CANNOT BE LOADED\n\n"
            f"The program that wrote this file does not load {', '.join(unloaded)} any more. Its text is\n"
            "here, but not as opa/, and decision.json has the codes of its provisions alone."
        )


def _checking(dossier: Dossier) -> Iterator[str]:
    """Yield the steps."""
    first = dossier.told[0].index
    yield (
        "HOW TO CHECK IT\n\n"
        "0. The key. Get the log's key from somewhere else than this file: the city's publications, an\n"
        "   agency that keeps it, a witness. Who could forge this file could forge the `vkey` in it, too:\n"
        f"   {dossier.vkey}"
    )
    yield (
        "1. The files are those of the manifest:\n"
        "   jq -r '.sha256 | to_entries[] | \"\\(.value)  \\(.key)\"' manifest.json | sha256sum -c\n"
        "   The manifest is not signed. It finds damage, not who wrote a file and the manifest anew."
    )
    yield (
        "2. Each entry, with this program, which needs no city and no network. Exit status 0: proved.\n"
        f"   gatekeeper ledger check receipts/{first}.json --key 'THE KEY OF STEP 0'\n"
        f"   gatekeeper ledger check receipts/{first}.tlog-proof --entry entries/{first}.json --key '...'\n"
        "   Add --checkpoint FILE with a checkpoint of the log that you or others kept."
    )
    yield (
        "3. The same with the code of Go's checksum database, by the program at the end:\n"
        f"   go run . 'THE KEY OF STEP 0' entries/{first}.json receipts/{first}.tlog-proof"
    )
    listings = [law for law in dossier.laws.values() if law is not None]
    if listings:
        yield (
            "4. The law. The digest in the entry (policy.digest) is the SHA-256 of the listing, and the\n"
            "   listing has the SHA-256 of each file that decides:"
            + "".join(
                f"\n   sha256sum 'policy/{law.revision}.listing'\n     {law.digest}\n"
                f"   jq -r '.[1][] | \"\\(.[1])  policy/{law.revision}/\\(.[0])\"' "
                f"'policy/{law.revision}.listing' | sha256sum -c"
                for law in listings
            )
        )
    if asked := [told for told in dossier.told if "input" in told.detail and _law_of(dossier, told)]:
        yield (
            "5. The decision, anew, with Open Policy Agent. `permit` and `unmet` are its outcome and its\n"
            "   provisions in decision.json:"
            + "".join(
                f"\n   opa eval --bundle 'opa/{told.entry['policy']['revision']}' "
                f"--input facts/{told.index}.json data.main.decision"
                for told in asked
            )
        )

    here = [paper for paper in dossier.papers if paper.state == "here"]
    if here:
        yield _papers_step(next((paper.entry for paper in here if paper.entry is not None), None))


def _papers_step(committed: int | None) -> str:
    """Return how papers are checked; *committed* is an entry that commits to one, None if none does."""
    step = (
        "6. The papers are those of papers.json:\n"
        "   jq -r '.[] | select(.file) | \"\\(.sha256)  \\(.file)\"' papers.json | sha256sum -c"
    )
    if committed is None:
        return step
    return (
        f"{step}\n"
        "   The log commits to each whose `entry` there is not null: its SHA-256 is in the openings of\n"
        "   that entry's receipt, which step 2 proves. For example:\n"
        f"   jq -r '.openings | (.documents.value // [])[].sha256, .request.value' receipts/{committed}.json"
    )


_ABSENT: Final = {
    "erased": "erased at the end of its time; nobody can open it any more",
    "gone": "named by the log, and not kept any more",
    "left out": "kept, and too large to be in this file with the others: ask the city for it",
}
"""What is said of a paper that is not there."""


def _law_of(dossier: Dossier, told: Told) -> bool:
    """Say whether OPA can be asked by the law of a decision."""
    policy = told.entry["policy"]
    law = dossier.laws[policy["revision"], policy["digest"]]
    return law is not None and bool(law.opa)
