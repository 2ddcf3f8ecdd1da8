// Command tlog checks a receipt, or a whole published log, with libraries that the gatekeeper did not write:
// golang.org/x/mod/sumdb/note and golang.org/x/mod/sumdb/tlog, the code behind Go's own checksum database.
//
//	tlog receipt VKEY ENTRY-FILE PROOF-FILE
//	tlog log URL VKEY [OLD-CHECKPOINT-FILE]
//
// It exits 0 if all holds, else 1.
package main

import (
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	err := errors.New("usage: tlog receipt VKEY ENTRY-FILE PROOF-FILE | tlog log URL VKEY [OLD-CHECKPOINT-FILE]")
	switch {
	case len(os.Args) == 5 && os.Args[1] == "receipt":
		err = checkReceipt(os.Args[2], os.Args[3], os.Args[4])
	case len(os.Args) >= 4 && os.Args[1] == "log":
		err = checkLog(os.Args[2], os.Args[3], os.Args[4:]...)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// tree opens a checkpoint.
func tree(text string, key note.Verifier) (tlog.Tree, error) {
	opened, err := note.Open([]byte(text), note.VerifierList(key))
	if err != nil {
		return tlog.Tree{}, err
	}
	body := strings.Split(opened.Text, "\n")
	if len(body) != 4 || body[0] != key.Name() {
		return tlog.Tree{}, errors.New("not a checkpoint of this log")
	}
	size, err := strconv.ParseInt(body[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	root, err := base64.StdEncoding.DecodeString(body[2])
	if err != nil || len(root) != tlog.HashSize {
		return tlog.Tree{}, errors.New("not a root hash")
	}
	return tlog.Tree{N: size, Hash: tlog.Hash(root)}, nil
}
