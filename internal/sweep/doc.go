// Package sweep finds endpoints that nobody will release any more, and deletes
// them. It is the guard behind the guard: an endpoint is released by its own
// workflow, and only what that missed is left for a sweep.
//
// # What is judged
//
// A sweep goes through the listings of providers. It never touches an endpoint
// whose name is not one of nightshift's (provider.ParseName), nor one of another
// installation: accounts are shared. What is left is judged by the deadline in
// its name and by whether its job lives:
//
//	holds no GPU (stopped, gone)                        kept: release: disable leaves it so on purpose
//	job gone, it and the endpoint both for > grace      deleted
//	job gone, it or the endpoint for less               kept, unless the deadline has passed
//	job lives, deadline passed by less than the grace   kept: its own workflow is releasing it
//	job lives, deadline passed by more                  deleted
//	job unknown, deadline passed                        deleted
//	anything else                                       kept
//
// Whether a job lives is asked of a function, [Options].Life. Without one, as
// when there is no Temporal to ask, every job is unknown and only the deadline
// counts. An endpoint whose age the provider does not tell counts as old.
//
// What is to be deleted by that is kept all the same while a job uses it that
// names it by its id ([Options].InUse): an earlier job left it, disabled, and it
// still bears that job's name and deadline. Without Temporal that cannot be
// known: such an endpoint is judged by its name.
//
// # What is out of reach
//
// Providers whose listings do not carry names (CanFind), and those that rent
// nothing (Exists), have nothing that could be judged; the report says so. So
// do accounts at addresses that only a job file names.
package sweep
