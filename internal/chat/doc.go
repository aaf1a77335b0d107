// Package chat sends one request of a batch to an OpenAI-compatible endpoint
// and sorts what comes back. It is the only home of openai-go.
//
// # What is openai-go's and what is not
//
// openai-go makes the request, keeps it on the configured origin and reads the
// API's error object. Everything that a batch must decide itself is switched
// off or replaced:
//
//   - Retries: whether and when a line is sent again is decided over all lines
//     at once, by the class of the error.
//   - The environment: openai.NewClient takes keys, organisation, headers and
//     base URL from OPENAI_* variables. A Client is made without it, so that a
//     key for one service never reaches another.
//   - Redirects: prompts and keys go to the base URL and nowhere else.
//   - Bodies: they pass as bytes in both directions. A line may hold fields that
//     this version of openai-go does not know.
//   - Headers: a batch sends the same ones with every request, so they are made
//     once and shared. openai-go's seven about its own version and platform cost
//     both sides time and are left out.
//   - The body's wrapper: net/http writes headers and body in one piece only if
//     it sees that the body is in memory, which openai-go's wrapper hides.
//
// # Classes
//
// Every failure of a request is one of five classes, each a thing to do; see
// [Class]. Sorting is by status first, and by the answer's error code where a
// provider says with one status what others say with another. An answer with
// status 2xx counts if [Options].Check finds nothing wrong with its body. Its
// content type does not matter: self-hosted servers label JSON as they please,
// proxies label HTML pages as JSON, and bytes can be judged.
package chat
