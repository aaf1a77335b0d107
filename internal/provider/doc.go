// Package provider is the contract between nightshift and a provider of
// dedicated GPU endpoints, and the page to read before adding one.
//
// A provider is a folder below this one that implements [Provider] with
// net/http, plus one line in package registry. Nothing else changes: the
// workflows know phases and errors, never a provider's own words.
//
// # What a provider must get right
//
//   - Create is called once at a time for a name, and its reply can be lost.
//     When the outcome is unknown the error's kind is [Ambiguous]; the caller
//     then uses List to find what the name's job already owns, and adopts it.
//     Create never retries by itself.
//   - Delete and Stop may run any number of times, in any half-way state, and
//     for what never existed: absent is done, not an error.
//   - Describe answers [Gone] without an error when the provider's listing no
//     longer has the endpoint. It is the only proof of the end that counts, so
//     it must come from the provider, not from memory.
//   - A state string never seen before is [Unknown]: keep polling until the
//     warm-up limit. It is never a crash and never [Failed].
//   - Errors leave sorted: see [Kind]. Message is short, carries no secret and
//     no request or response body of the data plane.
//
// # What there is to build on
//
// [Client] sends JSON calls to a control plane, once each, and sorts what goes
// wrong by status, words and how far the call got; it uploads and downloads
// files as streams. [Maybe] decodes fields that may be missing or odd, [NotOneOf]
// suggests what is offered, [Clip] makes a provider's words fit for logs.
// [Settings] is what the operator gives.
//
// # How it is proved
//
// Package providertest holds the conformance suite. It runs a provider against
// the simulated cloud (package sim) with lost replies, failing and slow calls,
// unknown states and late creations, and ends every case by asking the
// cloud's ledger whether anything still runs.
package provider
