// Package batchapi drives the providers' own Batch APIs: a file of requests is
// uploaded, a batch is made of it, and after minutes or hours there are two
// files of results. Nothing is rented, and the provider charges by the token.
//
// All of them imitate OpenAI's, each in its own way. What differs is a
// [Dialect], a table of paths and fields; whatever comes back is read
// tolerantly and alike, because the documents do not always agree with the
// services: an object or a wrapped one, a list or a page, statuses in either
// case. A status never seen before means "keep polling".
//
// # What costs money, and what may run twice
//
// Only [Client.Create] costs anything. Its reply can be lost, none of the APIs
// knows an idempotency key, and names are not kept; but a batch names its input
// file, so that after an error of kind [provider.Ambiguous] [Client.Find] tells
// whether the file has a batch already. Give each batch a file of its own, and
// that is an answer. All other calls may be repeated at will.
//
// Together keeps no metadata, so nothing relies on it: whose a batch is, and
// whether it must be ended, is written down where the caller keeps its journal. A
// batch that everybody has forgotten ends by itself after the window of 24 hours.
//
// # What is not documented
//
// Lyceum documents its paths and the shape of an uploaded file and refers to
// OpenAI for the rest, with no call to delete a file: what is uploaded there
// stays. Nebius shows a batch whose status is "done" and lines whose response is
// the answer's body without a wrapper; both that and OpenAI's form are read.
// Whether Together gives the results so far of a batch that is cancelled is not
// said: they are taken where a file is named.
package batchapi
