package bucket

import "time"

// SetStall shortens the time after which a silent connection counts as cut.
func SetStall(s *Store, d time.Duration) { s.s3.(*s3Store).stall = d }

// PartSize is the rule by which parts grow.
var PartSize = partSize
