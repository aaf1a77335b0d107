package batchapi

// Dialect is how one provider's Batch API differs from the others.
type Dialect struct {
	Name    string // of the provider; begins the text of every error
	BaseURL string // the provider's own, unless the operator sets another
	Prefix  string // of all paths

	upload    string // path, below Prefix
	purpose   string // of an input file
	inQuery   bool   // purpose is a query parameter, not a field of the form
	namesFile bool   // the form has the fields file_name and file_type
	metadata  bool   // create takes metadata
	pages     bool   // the list takes limit and after
	deletes   bool   // there is a call to delete a file

	// How Settings.Project narrows the account; empty where it does not.
	projectHeader string
	projectQuery  string
}

// The dialects. The smallest limits that any of them documents are 50,000
// requests and 100 MB a file (Together), and 64 characters a custom_id.
var (
	Lyceum = Dialect{
		Name: "lyceum", BaseURL: "https://api.lyceum.technology", Prefix: "/api/v2/external",
		upload: "/files", purpose: "batch", inQuery: true, metadata: true, pages: true, projectHeader: "X-Org-Slug",
	}
	Nebius = Dialect{
		Name: "nebius", BaseURL: "https://api.tokenfactory.nebius.com", Prefix: "/v1",
		upload: "/files", purpose: "batch", metadata: true, pages: true, deletes: true, projectQuery: "ai_project_id",
	}
	Together = Dialect{
		Name: "together", BaseURL: "https://api.together.ai", Prefix: "/v1",
		upload: "/files/upload", purpose: "batch-api", namesFile: true, deletes: true,
	}
)
