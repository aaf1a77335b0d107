package objectstore

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLoadCredentials(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), credentialsFile)
	made, err := loadCredentials(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(made.AccessKey) != 20 || len(made.SecretKey) < 40 {
		t.Errorf("made an access key of %d and a secret key of %d characters, want 20 and 40 or more", len(made.AccessKey), len(made.SecretKey))
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", info.Mode(), err)
	}
	if again, err := loadCredentials(file); again != made || err != nil {
		t.Errorf("the second time they differ: %v", err)
	}
	other, err := loadCredentials(filepath.Join(t.TempDir(), credentialsFile))
	if err != nil || other.AccessKey == made.AccessKey || other.SecretKey == made.SecretKey {
		t.Errorf("another file holds the same keys: %v", err)
	}
}

func TestLoadCredentials_Broken(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{"empty": "", "no secret": `{"access_key": "hidden"}`, "no JSON": "hidden"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), credentialsFile)
			if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := loadCredentials(file)
			if err == nil || !strings.Contains(err.Error(), file) || strings.Contains(err.Error(), "hidden") {
				t.Errorf("got %v, want an error with the file's name and without its content", err)
			}
		})
	}
}
