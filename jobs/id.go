package jobs

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strings"
	"time"
)

// MaxID is the longest job id; it keeps the names derived from it within every
// provider's limits.
const MaxID = 63

// NewID makes an id for a job of that name: it sorts by time, can be read
// aloud, and two submitted in the same second differ.
//
//	20261121-020000-nightly-summaries-k3fq
func NewID(name string, now time.Time) string {
	return newID(name, now, rand.Uint64())
}

// ScheduledID is the id of the job that a schedule's run starts: like that of
// [NewID], of the time for which it was scheduled. The same run, however often
// it is asked, has the same, and two runs for one time have two.
func ScheduledID(name string, scheduled time.Time, run string) string {
	sum := fnv.New64a()
	sum.Write([]byte(run))
	return newID(name, scheduled, sum.Sum64())
}

func newID(name string, at time.Time, number uint64) string {
	const alphabet = "abcdefghijkmnpqrstuvwxyz23456789" // nothing that looks like something else
	var end [4]byte
	for i := range end {
		end[i] = alphabet[number%uint64(len(alphabet))]
		number /= uint64(len(alphabet))
	}
	return fmt.Sprintf("%s-%s-%s", at.UTC().Format("20060102-150405"), name, end[:])
}

// CheckID reports what is wrong with a job id that a person chose.
func CheckID(id string) error {
	if !validName.MatchString(id) || len(id) > MaxID {
		return fmt.Errorf("job id %q: must be lower-case letters, digits and dashes, at most %d", id, MaxID)
	}
	if IsSharedID(id) {
		return fmt.Errorf("job id %q: must not begin with %s, which is for shared endpoints", id, sharedPrefix)
	}
	return nil
}

// ScheduleID is the id of a job file's schedule: the job's name, or the file's
// where that holds a template and is another one each night.
func ScheduleID(fileName string, s Spec) string {
	if strings.Contains(s.Name, "{{") {
		return nameFromFile(fileName)
	}
	return s.Name
}

// CheckScheduleID reports what is wrong with a schedule's id that a person
// chose.
func CheckScheduleID(id string) error {
	if !validName.MatchString(id) || len(id) > maxName {
		return fmt.Errorf("schedule id %q: must be lower-case letters, digits and dashes, at most %d", id, maxName)
	}
	return nil
}
