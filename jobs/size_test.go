package jobs

import "testing"

func TestSize_ReadAndWritten(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct {
		size    Size
		written string
	}{
		"0":        {0, "0B"},
		"1048576":  {1 << 20, "1MiB"},
		"64MiB":    {64 << 20, "64MiB"},
		"64 MB":    {64e6, "62500KiB"},
		"1.5 GiB":  {3 << 29, "1536MiB"},
		"200kB":    {200e3, "200000B"},
		"3 TiB":    {3 << 40, "3TiB"},
		"1023B":    {1023, "1023B"},
		" 10 KiB ": {10 << 10, "10KiB"},
	} {
		var got, again Size
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want.size || got.String() != want.written {
			t.Errorf("%q is %d, %s, %v", text, got, got, err)
		}
		if err := again.UnmarshalText([]byte(want.written)); err != nil || again != got {
			t.Errorf("%q is read back as %d, %v", want.written, again, err)
		}
	}
	for _, text := range []string{"", "MB", "-1", "1 MBit", "1e6", "64M", "99999999TiB", "1,5MB"} {
		var size Size
		if err := size.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q was read as %d", text, size)
		}
	}
}
