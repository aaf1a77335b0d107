package objectstore

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/versity/versitygw/auth"
)

// credentials are the store's one account.
type credentials struct {
	AccessKey string `json:"access_key"`
	SecretKey string `json:"secret_key"`
}

// loadCredentials reads the credentials in file, which it makes up if absent, so
// that they stay the same from run to run.
func loadCredentials(file string) (credentials, error) {
	var c credentials
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return makeCredentials(file)
	}
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal(data, &c); err != nil || c.AccessKey == "" || c.SecretKey == "" {
		return c, fmt.Errorf("%s does not hold an access key and a secret key: remove it to get new ones", file)
	}
	return c, nil
}

func makeCredentials(file string) (credentials, error) {
	c := credentials{AccessKey: "NS" + rand.Text()[:18], SecretKey: rand.Text() + rand.Text()}
	data, err := json.Marshal(c)
	if err != nil {
		return c, err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return c, err
	}
	_, err = f.Write(data)
	return c, errors.Join(err, f.Close())
}

// accounts are who may call: the one of the credentials, and guests. What the
// gateway would make itself says a word on stdout.
func (s *Server) accounts(dir string, guests map[string]string) (auth.IAMService, error) {
	root := auth.Account{Access: s.keys.AccessKey, Secret: s.keys.SecretKey, Role: auth.RoleAdmin}
	if len(guests) == 0 {
		return auth.NewIAMServiceSingle(root), nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	service, err := auth.NewInternal(root, dir)
	if err != nil {
		return nil, err
	}
	for access, secret := range guests {
		err := service.CreateAccount(auth.Account{Access: access, Secret: secret, Role: auth.RoleUser})
		if err != nil && !errors.Is(err, auth.ErrUserExists) {
			return nil, fmt.Errorf("account %s: %w", access, err)
		}
	}
	return service, nil
}
