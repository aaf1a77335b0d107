package objectstore

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pkg/xattr"
	"github.com/versity/versitygw/backend/meta"
)

const (
	partSizes    = "mp-metadata" // the back end's note of a multipart object's part sizes
	maxPartSizes = 2 << 10       // bytes, half of what ext4 has for all attributes
)

// attributes leaves out notes of part sizes that file systems have no room for.
type attributes struct {
	meta.MetadataStorer
}

func (a attributes) StoreAttribute(f *os.File, bucket, object, name string, value []byte) error {
	if name == partSizes && len(value) > maxPartSizes {
		return nil
	}
	return a.MetadataStorer.StoreAttribute(f, bucket, object, name, value)
}

// newAttributes keeps metadata in extended attributes of the files below data
// or, once there are no such, in the directory sidecar.
func newAttributes(data, sidecar string) (meta.MetadataStorer, error) {
	_, err := os.Stat(sidecar)
	if errors.Is(err, fs.ErrNotExist) {
		if hasAttributes(data) {
			return attributes{meta.XattrMeta{}}, nil
		}
		err = os.Mkdir(sidecar, 0o700)
	}
	if err != nil {
		return nil, err
	}
	return meta.NewSideCar(sidecar)
}

func hasAttributes(dir string) bool {
	probe := filepath.Join(dir, ".probe")
	if err := os.WriteFile(probe, nil, 0o600); err != nil {
		return false
	}
	defer os.Remove(probe)
	return xattr.Set(probe, "user.probe", []byte("1")) == nil
}
