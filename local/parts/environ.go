package parts

import "os"

// Environ is what the parts of a world have of this process's environment: where
// programs and temporary files are, and nothing that a person's shell says of
// accounts and servers. Their home is a folder of the world's.
func Environ(home string) []string {
	environ := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home}
	if dir, set := os.LookupEnv("TMPDIR"); set {
		environ = append(environ, "TMPDIR="+dir)
	}
	return environ
}
