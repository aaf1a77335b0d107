package devserver

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPrepareFile(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		sql  string // run on a file that was just prepared
		want string // in the error; empty for none
	}{
		{"same", ``, ""},
		{"other patch release", `UPDATE nightshift_stamp SET server = '` + minor(current.server) + `.999'`, ""},
		{"other release", `UPDATE nightshift_stamp SET server = '1.25.1'`, "written by Temporal server 1.25.1"},
		{"other schema", `UPDATE nightshift_stamp SET schema = '0.9'`, "(schema 0.9"},
		{"other visibility schema", `UPDATE nightshift_stamp SET visibility = '0.9'`, "visibility 0.9"},
		{"no stamp", `DROP TABLE nightshift_stamp`, "nightshift did not make"},
		{"empty stamp", `DELETE FROM nightshift_stamp`, "read its version"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "server.db")
			if err := prepareFile(t.Context(), file); err != nil {
				t.Fatal(err)
			}
			execute(t, file, c.sql)
			checkError(t, prepareFile(t.Context(), file), c.want)
		})
	}
}

func execute(t *testing.T, file, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statement); err != nil {
		t.Fatal(err)
	}
}

func checkError(t *testing.T, err error, want string) {
	t.Helper()
	if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
		t.Errorf("got error %v, want %q", err, want)
	}
}

func TestPrepareFile_NotADatabase(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "notes.txt")
	if err := os.WriteFile(file, []byte(strings.Repeat("not a database\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	checkError(t, prepareFile(t.Context(), file), "not a database")
}

func TestPrepareFile_NoDirectory(t *testing.T) {
	t.Parallel()
	_, err := Start(t.Context(), Options{File: filepath.Join(t.TempDir(), "none", "server.db")})
	checkError(t, err, "no such file or directory")
}

func TestPrepareFile_Interrupted(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "server.db")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	checkError(t, prepareFile(t.Context(), file), "")
}
