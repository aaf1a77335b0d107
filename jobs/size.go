package jobs

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// Size is a number of bytes that is written as people write it: 64MiB, 20 MB,
// 1048576. MB is a million, MiB is 2²⁰.
type Size int64

var sizePattern = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?) ?(B|[kKMGT]i?B)?$`)

// sizeUnits are the letters before B, in the order of their powers.
const sizeUnits = "KMGT"

// UnmarshalText reads a number with or without a unit.
func (s *Size) UnmarshalText(text []byte) error {
	parts := sizePattern.FindStringSubmatch(strings.TrimSpace(string(text)))
	if parts == nil {
		return fmt.Errorf("%q is not a size; write it like 64MiB or 20 MB", text)
	}
	number, err := strconv.ParseFloat(parts[1], 64)
	if err != nil {
		return fmt.Errorf("%q is not a size: %w", text, err)
	}
	bytes := math.Round(number * unitOf(parts[2]))
	if bytes > math.MaxInt64/2 {
		return fmt.Errorf("%q is too large a size", text)
	}
	*s = Size(bytes)
	return nil
}

func unitOf(unit string) float64 {
	if unit == "" || unit == "B" {
		return 1
	}
	power := strings.Index(sizeUnits, strings.ToUpper(unit[:1])) + 1
	if strings.HasSuffix(unit, "iB") {
		return math.Pow(1024, float64(power))
	}
	return math.Pow(1000, float64(power))
}

// MarshalText writes what UnmarshalText reads.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// String is the size in the largest unit of 1,024 that it is a multiple of.
func (s Size) String() string {
	unit := "B"
	for i := range sizeUnits {
		if s == 0 || s%1024 != 0 {
			break
		}
		s, unit = s/1024, sizeUnits[i:i+1]+"iB"
	}
	return strconv.FormatInt(int64(s), 10) + unit
}
