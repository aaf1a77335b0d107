package batchapi

// Dialect is how one provider's Batch API differs from the others.
type Dialect struct {
	Name    string // of the provider; begins the text of every error
	BaseURL string // the provider's own, unless the operator sets another
	Prefix  string // of all paths

	MaxBytes int64 // largest input file; 0 means not told
	MaxLines int64 // most requests in it; 0 means not told

	upload    string // path, below Prefix
	purpose   string // of an input file
	inQuery   bool   // purpose is a query parameter, not a field of the form
	namesFile bool   // the form has the fields file_name and file_type
	metadata  bool   // create takes metadata
	pages     bool   // the list takes limit and after
	deletes   bool   // there is a call to delete a file
}

// The dialects. Limits and fields are those that the providers document.
var (
	Lyceum = Dialect{
		Name: "lyceum", BaseURL: "https://api.lyceum.technology", Prefix: "/api/v2/external",
		upload: "/files", purpose: "batch", inQuery: true, metadata: true, pages: true,
	}
	Nebius = Dialect{
		Name: "nebius", BaseURL: "https://api.tokenfactory.nebius.com", Prefix: "/v1",
		upload: "/files", purpose: "batch", metadata: true, pages: true, deletes: true,
		MaxBytes: 10 << 30, MaxLines: 5_000_000,
	}
	Together = Dialect{
		Name: "together", BaseURL: "https://api.together.ai", Prefix: "/v1",
		upload: "/files/upload", purpose: "batch-api", namesFile: true, deletes: true,
		MaxBytes: 100_000_000, MaxLines: 50_000,
	}
)
