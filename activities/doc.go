// Package activities does what the workflows decide: it talks to providers, to
// the bucket and to the endpoint. One struct a concern; its fields are the
// clients it needs.
//
// Every activity may run twice, also at the same time as its own earlier
// attempt, and says what makes that safe. Errors become Temporal's in one
// place, errors.go, with a type of package jobs; their texts never hold
// prompts, answers or secrets, because they end up in workflow histories.
//
// # Inputs that cannot all be sent
//
// PlanInput writes the error lines of lines that on_invalid: skip leaves out as
// parts of their shards, under names that come before those of any attempt. So
// RunShard, its successors and CollectResults see requests that have a result
// already, and the counts add up: each line that is not blank is one result line.
package activities
