// Package fleet proves that a fleet survives what happens to fleets: the
// topology of docker-compose.yml as processes on loopback, without Docker, and
// everything in it restarted or killed while one job runs.
//
//	result, err := fleet.Run(ctx, fleet.Options{Program: program, Dir: dir, Lines: 100_000})
//	fleet.Print(os.Stdout, result)
//
// # What runs
//
// A PostgreSQL cluster made for the run, a Temporal server on it, which is
// configured by the same variables and dynamic configuration as in
// docker-compose.yml and whose schema is set up by the same tool, an S3 server, a
// simulated GPU cloud, two control workers, three data workers and a gateway. Each is a
// process of its own (package parts); all but PostgreSQL are this program with a
// command. Namespace and bucket are made by "nightshift setup", the job is
// submitted by "nightshift submit". A client of OpenAI's has the gateway run a batch
// beside it, which is as long and a tenth as wide.
//
// # What happens
//
// The blows of blows.go fall one after the other, each when so many requests
// have been answered and the blow before is over.
//
// # What is counted
//
// The cloud's ledger survives, and says how many endpoints were rented, whether
// one still runs, and how many requests were sent again; the results say whether
// a request was lost or answered twice. For each blow it is noted for how long
// no answer came afterwards.
//
// # PostgreSQL
//
// The servers are those that a Debian package installs. The cluster lies in a new
// directory, listens on a free port of loopback only, and belongs to a user
// without rights, since PostgreSQL refuses to run as root. No other cluster is
// looked for or connected to.
package fleet
