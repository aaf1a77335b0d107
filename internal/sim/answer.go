package sim

import (
	"fmt"
	"hash/fnv"
	"strconv"
)

// answer is what the model says to a request: a pure function of its path,
// prompt and limits, so that the same input has the same output, byte by byte.
type answer struct {
	seed       uint64
	model      []byte // as the request wrote it, quotes included
	prompt     int    // tokens
	completion int    // tokens, for each input
	cut        bool   // by the request's limit
	inputs     int    // prompts, or texts to embed
	dimensions int
}

// created is the time that answers bear; a true one would make them differ
// from run to run. It is 2026-01-01 UTC.
const created = 1767225600

// answerTo decides on the answer to a request that lies in body.
func answerTo(body []byte, q request, lengths Range) answer {
	prompt := body[q.prompt.from:q.prompt.to]
	h := fnv.New64a()
	h.Write(prompt)
	a := answer{
		seed:       h.Sum64(),
		model:      body[q.model.from:q.model.to],
		prompt:     len(prompt)/4 + 1, // four bytes a token is the usual estimate for English
		inputs:     q.inputs,
		dimensions: q.dimensions,
	}
	spread := uint64(lengths.Max - lengths.Min + 1)
	a.completion = lengths.Min + int(mix(a.seed)%spread)
	if q.limit > 0 && a.completion > q.limit {
		a.completion, a.cut = q.limit, true
	}
	return a
}

func (a answer) finishReason() string {
	if a.cut {
		return "length"
	}
	return "stop"
}

func (a answer) appendChat(out []byte) []byte {
	out = fmt.Appendf(out, `{"id":"chatcmpl-%016x","object":"chat.completion","created":%d,"model":%s,`+
		`"choices":[{"index":0,"message":{"role":"assistant","content":"`, a.seed, created, a.model)
	out = a.appendText(out, 0)
	out = fmt.Appendf(out, `","refusal":null},"logprobs":null,"finish_reason":"%s"}]`, a.finishReason())
	return a.appendUsage(out, a.completion)
}

// appendCompletion writes one choice for each prompt.
func (a answer) appendCompletion(out []byte) []byte {
	out = fmt.Appendf(out, `{"id":"cmpl-%016x","object":"text_completion","created":%d,"model":%s,"choices":[`,
		a.seed, created, a.model)
	for i := range a.inputs {
		out = fmt.Appendf(out, `%s{"index":%d,"text":"`, comma(i), i)
		out = a.appendText(out, i)
		out = fmt.Appendf(out, `","logprobs":null,"finish_reason":"%s"}`, a.finishReason())
	}
	return a.appendUsage(append(out, ']'), a.completion*a.inputs)
}

func (a answer) appendResponse(out []byte) []byte {
	status, details := "completed", "null"
	if a.cut {
		status, details = "incomplete", `{"reason":"max_output_tokens"}`
	}
	out = fmt.Appendf(out, `{"id":"resp_%016x","object":"response","created_at":%d,"model":%s,"status":"%s",`+
		`"error":null,"incomplete_details":%s,"output":[{"type":"message","id":"msg_%016x","status":"%s",`+
		`"role":"assistant","content":[{"type":"output_text","text":"`,
		a.seed, created, a.model, status, details, a.seed, status)
	out = a.appendText(out, 0)
	return fmt.Appendf(out, `","annotations":[]}]}],"usage":{"input_tokens":%d,"input_tokens_details":`+
		`{"cached_tokens":0},"output_tokens":%d,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":%d}}`,
		a.prompt, a.completion, a.prompt+a.completion)
}

func (a answer) appendEmbeddings(out []byte) []byte {
	out = fmt.Appendf(out, `{"object":"list","model":%s,"data":[`, a.model)
	for i := range a.inputs {
		out = fmt.Appendf(out, `%s{"object":"embedding","index":%d,"embedding":[`, comma(i), i)
		for j := range a.dimensions {
			out = append(out, comma(j)...)
			noise := mix(a.seed + uint64(i)<<32 + uint64(j))
			out = strconv.AppendFloat(out, float64(int64(noise))/(1<<63), 'f', 6, 64)
		}
		out = append(out, "]}"...)
	}
	return fmt.Appendf(out, `],"usage":{"prompt_tokens":%d,"total_tokens":%d}}`, a.prompt, a.prompt)
}

func (a answer) appendUsage(out []byte, completion int) []byte {
	return fmt.Appendf(out, `,"usage":{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d}}`,
		a.prompt, completion, a.prompt+completion)
}

func comma(i int) string {
	if i == 0 {
		return ""
	}
	return ","
}

// vocabulary has a power of two of words, each one token.
var vocabulary = [32]string{
	"the", "model", "answers", "with", "some", "quiet", "words", "about",
	"night", "and", "shift", "while", "every", "replica", "hums", "along",
	"a", "batch", "of", "prompts", "becomes", "plain", "text", "again",
	"steady", "light", "from", "far", "away", "keeps", "good", "time",
}

// appendText writes the answer to one of the inputs, a word for each token.
func (a answer) appendText(out []byte, input int) []byte {
	for i := range a.completion {
		if i > 0 {
			out = append(out, ' ')
		}
		out = append(out, vocabulary[mix(a.seed+uint64(input)<<32+uint64(i))%uint64(len(vocabulary))]...)
	}
	return out
}

// mix is the finalizer of SplitMix64: it turns counters into noise.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
