package worker

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sync/atomic"
)

// installationName is the installation's name, once it is known. The zero value
// does not know it.
type installationName struct{ name atomic.Pointer[string] }

func (n *installationName) set(name string) { n.name.Store(&name) }

// get returns the name, or nothing.
func (n *installationName) get() string {
	if name := n.name.Load(); name != nil {
		return *name
	}
	return ""
}

// known is what can be known of the name before Temporal answers. A name that is
// out of date does little harm: only endpoints of that name are released, and
// only past their deadline.
func (o Options) known() *installationName {
	known := &installationName{}
	known.set(cmp.Or(o.Installation, recall(o.StateFile)))
	return known
}

// installationWord is what a name can be; see provider.Name.
var installationWord = regexp.MustCompile(`^[a-z0-9]{1,12}$`)

// recall returns the name that a worker wrote down, or nothing.
func recall(path string) string {
	if path == "" {
		return ""
	}
	text, err := os.ReadFile(path)
	if err != nil || !installationWord.Match(text) {
		return ""
	}
	return string(text)
}

// remember writes the name down. Workers may do so at once; a reader sees a
// whole name or none.
func remember(path, installation string) error {
	if recall(path) == installation {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("remember the installation: %w", err)
	}
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+"-*")
	if err != nil {
		return fmt.Errorf("remember the installation: %w", err)
	}
	_, err = file.WriteString(installation)
	if err = cmp.Or(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		os.Remove(file.Name())
		return fmt.Errorf("remember the installation in %s: %w", path, err)
	}
	return nil
}
