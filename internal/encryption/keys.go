package encryption

import (
	"bufio"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// keyBytes is the length of a key: AES-256.
const keyBytes = 32

// idWord is what a key's id can be: it is told in errors and stored in the open.
var idWord = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// Keys are the keys that a process has.
type Keys struct {
	first  string // the id of the one that seals
	ids    []string
	opener map[string]cipher.AEAD
}

// Parse reads keys from lines of an id and 32 bytes in base64, as [NewKey]
// writes them. Blank lines, and those that begin with #, are passed over. The
// error tells of all lines that are wrong, without a word of a key.
func Parse(text string) (*Keys, error) {
	keys := &Keys{opener: map[string]cipher.AEAD{}}
	var errs []error
	scanner := bufio.NewScanner(strings.NewReader(text))
	for number := 1; scanner.Scan(); number++ {
		line := strings.TrimSpace(scanner.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if err := keys.add(line); err != nil {
			errs = append(errs, fmt.Errorf("line %d: %w", number, err))
		}
	}
	if err := scanner.Err(); err != nil {
		errs = append(errs, err)
	}
	if len(errs) == 0 && keys.first == "" {
		errs = append(errs, errors.New("there is no key"))
	}
	if len(errs) > 0 {
		return nil, fmt.Errorf("%w\na line is an id and 32 bytes in base64; try: nightshift codec key", errors.Join(errs...))
	}
	return keys, nil
}

func (k *Keys) add(line string) error {
	id, encoded, ok := strings.Cut(line, " ")
	switch {
	case !ok:
		return errors.New("it is not an id, a space and a key")
	case !idWord.MatchString(id):
		return errors.New("the id has other characters than letters, digits, dots, dashes and underscores, or more than 64")
	case k.opener[id] != nil:
		return fmt.Errorf("there is a key %s already", id)
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	if err != nil || len(key) != keyBytes { // the decoder's error would quote the key
		return fmt.Errorf("key %s is not 32 bytes in base64", id)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return fmt.Errorf("key %s: %w", id, err)
	}
	// Random nonces are safe for 2^32 payloads of one key (NIST SP 800-38D,
	// section 8.3): at a thousand a second, fifty days without a pause.
	if k.opener[id], err = cipher.NewGCMWithRandomNonce(block); err != nil {
		return fmt.Errorf("key %s: %w", id, err)
	}
	if k.first == "" {
		k.first = id
	}
	k.ids = append(k.ids, id)
	return nil
}

// IDs returns the ids of the keys, the one that seals first.
func (k *Keys) IDs() []string { return slices.Clone(k.ids) }

// NewKey returns a line with a new key of that id.
func NewKey(id string) (string, error) {
	if !idWord.MatchString(id) {
		return "", errors.New("a key's id has letters, digits, dots, dashes and underscores, at most 64")
	}
	key := make([]byte, keyBytes)
	rand.Read(key) // never fails
	return id + " " + base64.StdEncoding.EncodeToString(key), nil
}
