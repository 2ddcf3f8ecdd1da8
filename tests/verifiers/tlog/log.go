package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func get(url string) ([]byte, error) {
	answer, err := http.Get(url)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != 200 {
		return nil, fmt.Errorf("%s: %s", url, answer.Status)
	}
	return io.ReadAll(answer.Body)
}

// tiles reads hashes where C2SP tlog-tiles puts them: x/mod's own paths have the height in them besides.
type tiles struct{ url string }

func (t tiles) Height() int { return 8 }

func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range wanted {
		body, err := get(t.url + "/tile/" + strings.TrimPrefix(tile.Path(), "tile/8/"))
		if err != nil {
			return nil, err
		}
		found = append(found, body)
	}
	return found, nil
}

// checkLog reads a whole published log, and compares it with an older checkpoint, if one is given.
func checkLog(url, vkey string, old ...string) error {
	url = strings.TrimSuffix(url, "/")
	key, err := note.NewVerifier(vkey)
	if err != nil {
		return err
	}
	text, err := get(url + "/checkpoint")
	if err != nil {
		return err
	}
	head, err := tree(string(text), key)
	if err != nil {
		return err
	}
	hashes := tlog.TileHashReader(head, tiles{url}) // compares every tile with the root
	for first := int64(0); first < head.N; first += 256 {
		if err := checkBundle(url, head, hashes, first, min(256, head.N-first)); err != nil {
			return err
		}
	}
	for _, file := range old {
		if err := checkGrowth(file, key, head, hashes); err != nil {
			return err
		}
	}
	fmt.Println("consistent:", head.N, "entries")
	return nil
}

// checkBundle compares the entries of a bundle with the tree.
func checkBundle(url string, head tlog.Tree, hashes tlog.HashReader, first, width int64) error {
	path := tlog.Tile{H: 8, L: -1, N: first / 256, W: int(width)}.Path()
	bundle, err := get(url + "/tile/entries/" + strings.TrimPrefix(path, "tile/8/data/"))
	if err != nil {
		return err
	}
	for index := first; index < first+width; index++ {
		if len(bundle) < 2 || len(bundle) < 2+int(bundle[0])<<8+int(bundle[1]) {
			return fmt.Errorf("entry %d is cut short", index)
		}
		end := 2 + int(bundle[0])<<8 + int(bundle[1])
		proof, err := tlog.ProveRecord(head.N, index, hashes)
		if err != nil {
			return err
		}
		if err := tlog.CheckRecord(proof, head.N, head.Hash, index, tlog.RecordHash(bundle[2:end])); err != nil {
			return fmt.Errorf("entry %d: %w", index, err)
		}
		bundle = bundle[end:]
	}
	if len(bundle) != 0 {
		return errors.New("a bundle of more than its entries")
	}
	return nil
}

// checkGrowth compares the log with a checkpoint that was kept earlier.
func checkGrowth(file string, key note.Verifier, head tlog.Tree, hashes tlog.HashReader) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	old, err := tree(string(text), key)
	if err != nil || old.N == 0 {
		return err
	}
	if old.N > head.N {
		return errors.New("the log has become smaller")
	}
	proof, err := tlog.ProveTree(head.N, old.N, hashes)
	if err != nil {
		return err
	}
	return tlog.CheckTree(proof, head.N, head.Hash, old.N, old.Hash)
}
