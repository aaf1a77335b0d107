package gateway

import (
	"net/http"
	"slices"
)

// modelObject is a model as the API shows it.
type modelObject struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"`
	OwnedBy string `json:"owned_by"`
}

// shown is the model for clients. Nobody knows when it was made.
func (m Model) shown() modelObject {
	return modelObject{ID: m.Name, Object: "model", OwnedBy: "nightshift"}
}

func (s *Server) listModels(w http.ResponseWriter, _ *http.Request, v visitor) error {
	models := []modelObject{}
	for _, model := range v.models {
		models = append(models, model.shown())
	}
	answer(w, http.StatusOK, map[string]any{"object": "list", "data": models})
	return nil
}

func (s *Server) getModel(w http.ResponseWriter, r *http.Request, v visitor) error {
	model, ok := v.model(r.PathValue("id"))
	if !ok {
		return noModel(r.PathValue("id"))
	}
	answer(w, http.StatusOK, model.shown())
	return nil
}

// model finds one of the models that a tenant may use.
func (v visitor) model(name string) (Model, bool) {
	i := slices.IndexFunc(v.models, func(m Model) bool { return m.Name == name })
	if i < 0 {
		return Model{}, false
	}
	return v.models[i], true
}

func (v visitor) modelNames() []string {
	names := make([]string, len(v.models))
	for i, model := range v.models {
		names[i] = model.Name
	}
	return names
}
