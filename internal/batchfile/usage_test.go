package batchfile

import "testing"

func TestReadUsage(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		body string
		want Usage
	}{
		"chat": {`{"usage":{"prompt_tokens":9,"completion_tokens":5,"total_tokens":14,
			"prompt_tokens_details":{"audio_tokens":1,"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":3}}}`, Usage{9, 4, 5, 3}},
		"responses": {`{"output":[],"usage":{"input_tokens":9,"input_tokens_details":{"cached_tokens":4},"output_tokens":5,
			"output_tokens_details":{"reasoning_tokens":3},"total_tokens":14}}`, Usage{9, 4, 5, 3}},
		"embeddings":         {`{"usage":{"prompt_tokens":9,"total_tokens":9}}`, Usage{InputTokens: 9}},
		"details null":       {`{"usage":{"prompt_tokens":9,"prompt_tokens_details":null}}`, Usage{InputTokens: 9}},
		"none":               {`{"choices":[]}`, Usage{}},
		"null":               {`{"usage":null}`, Usage{}},
		"deeper down":        {`{"choices":[{"usage":{"prompt_tokens":9}}]}`, Usage{}},
		"not whole numbers":  {`{"usage":{"prompt_tokens":9.5,"completion_tokens":"5","input_tokens":-1}}`, Usage{}},
		"beyond 64 bits":     {`{"usage":{"prompt_tokens":99999999999999999999}}`, Usage{}},
		"a list":             {`[{"usage":{"prompt_tokens":9}}]`, Usage{}},
		"cut":                {`{"usage":{"prompt_tokens":9}`, Usage{}},
		"empty":              {``, Usage{}},
		"white space around": {" {\"usage\" : {\"prompt_tokens\" : 9}}\n", Usage{InputTokens: 9}},
	} {
		if got := ReadUsage([]byte(row.body)); got != row.want {
			t.Errorf("%s: got %v, want %v", name, got, row.want)
		}
	}
}

func TestUsage_Add(t *testing.T) {
	t.Parallel()
	u := Usage{1, 2, 3, 4}
	if u.Add(Usage{10, 20, 30, 40}); u != (Usage{11, 22, 33, 44}) {
		t.Error(u)
	}
}
