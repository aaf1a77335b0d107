package gateway

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/nightshift-run/nightshift/jobs"
)

// Key is one key as the file of keys has it: not the key itself, which nobody
// can find out from it, since it is random and long.
type Key struct {
	Tenant string `yaml:"tenant"` // whose files and batches it opens
	Name   string `yaml:"name"`   // for people who look at the file
	SHA256 string `yaml:"sha256"` // of the key, in hexadecimal
}

// keyList is the file of keys.
type keyList struct {
	Keys []Key `yaml:"keys"`
}

// keyPrefix begins every key, so that one that leaked can be recognized.
const keyPrefix = "nsk-"

// NewKey makes a key for a tenant: what the client is given, and what goes into
// the file of keys.
func NewKey(tenant, name string) (secret string, key Key, err error) {
	if !validTenant.MatchString(tenant) {
		return "", Key{}, fmt.Errorf("tenant %q %s", tenant, tenantRule)
	}
	secret = keyPrefix + rand.Text() + rand.Text() // 260 bits
	sum := sha256.Sum256([]byte(secret))
	return secret, Key{Tenant: tenant, Name: name, SHA256: hex.EncodeToString(sum[:])}, nil
}

// ParseKeys reads a file of keys, as strictly as ParseConfig reads its own.
func ParseKeys(fileName string, text []byte) ([]Key, error) {
	list, err := jobs.Load(fileName, text, func(l keyList) keyList { return l }, keyList.problems)
	return list.Keys, err
}

func (l keyList) problems() (list []jobs.Problem) {
	for i, key := range l.Keys {
		at := fmt.Sprintf("keys.%d", i)
		if !validTenant.MatchString(key.Tenant) {
			list = append(list, jobs.Problem{Field: at + ".tenant", Message: fmt.Sprintf("%q %s", key.Tenant, tenantRule)})
		}
		if sum, err := hex.DecodeString(key.SHA256); err != nil || len(sum) != sha256.Size {
			list = append(list, jobs.Problem{Field: at + ".sha256", Message: "must be the 64 hexadecimal digits of a key's SHA-256, never the key; make one with: nightshift serve key"})
		}
	}
	return list
}

// Keys tells whose a key is. The zero value lets nobody in.
type Keys struct {
	file string

	mu     sync.Mutex
	keys   []Key
	loaded time.Time // when the file was last looked at
	stamp  time.Time // the file's own time then
}

// keysEvery is how often the file is looked at: a key that was revoked works
// that much longer at most.
const keysEvery = 5 * time.Second

// OpenKeys reads a file of keys, which is read anew whenever it changes. A file
// that cannot be read later on leaves the keys as they were.
func OpenKeys(file string) (*Keys, error) {
	k := &Keys{file: file}
	return k, k.read()
}

func (k *Keys) read() error {
	info, err := os.Stat(k.file)
	if err != nil {
		return fmt.Errorf("file of keys: %w", err)
	}
	k.loaded = time.Now()
	if info.ModTime().Equal(k.stamp) {
		return nil
	}
	text, err := os.ReadFile(k.file)
	if err != nil {
		return fmt.Errorf("file of keys: %w", err)
	}
	keys, err := ParseKeys(k.file, text)
	if err != nil {
		return err
	}
	k.keys, k.stamp = keys, info.ModTime()
	return nil
}

// current returns the keys that are in the file now, and what is wrong with it.
func (k *Keys) current() ([]Key, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.file != "" && time.Since(k.loaded) > keysEvery {
		return k.keys, k.read()
	}
	return k.keys, nil
}

// tenant returns whose a key is. It takes as long for a wrong key as for a right
// one.
func (k *Keys) tenant(secret string) (tenant string, known bool) {
	sum := sha256.Sum256([]byte(secret))
	presented := []byte(hex.EncodeToString(sum[:]))
	keys, _ := k.current() // what is wrong with the file is told by readiness
	for _, key := range keys {
		if subtle.ConstantTimeCompare(presented, []byte(strings.ToLower(key.SHA256))) == 1 {
			tenant, known = key.Tenant, true
		}
	}
	return tenant, known
}
