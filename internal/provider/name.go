package provider

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// namePrefix marks an endpoint as rented by nightshift.
const namePrefix = "nightshift"

// Name is what an endpoint's display name says about it, so that what is found
// in an account without any other record can still be judged: whose it is, and
// when it must be gone. It is written
//
//	nightshift-<installation>-<job>-<deadline>
//
// with the deadline in Unix seconds, base 36, and is at most 95 bytes long when
// the installation has at most 12 and the job at most 63.
type Name struct {
	Installation string    // [a-z0-9]{1,12}: installations that share an account are told apart by it
	Job          string    // [a-z0-9-]{1,63}
	Deadline     time.Time // whole seconds
}

// String formats the name.
func (n Name) String() string {
	return n.prefix() + strconv.FormatInt(n.Deadline.Unix(), 36)
}

// Owns reports whether an endpoint of that display name belongs to the same
// job of the same installation, whatever its deadline.
func (n Name) Owns(displayName string) bool {
	other, err := ParseName(displayName)
	return err == nil && other.prefix() == n.prefix()
}

func (n Name) prefix() string {
	return namePrefix + "-" + n.Installation + "-" + n.Job + "-"
}

// ParseName reads a display name. An error means that the endpoint is not ours
// and must not be touched.
func ParseName(displayName string) (Name, error) {
	rest, ours := strings.CutPrefix(displayName, namePrefix+"-")
	installation, rest, hasJob := strings.Cut(rest, "-")
	last := strings.LastIndexByte(rest, '-')
	if !ours || !hasJob || installation == "" || last < 1 {
		return Name{}, fmt.Errorf("endpoint name %q is not one of nightshift's", displayName)
	}
	deadline, err := strconv.ParseInt(rest[last+1:], 36, 64)
	if err != nil || deadline <= 0 {
		return Name{}, fmt.Errorf("endpoint name %q is not one of nightshift's: no deadline at its end", displayName)
	}
	return Name{Installation: installation, Job: rest[:last], Deadline: time.Unix(deadline, 0).UTC()}, nil
}
