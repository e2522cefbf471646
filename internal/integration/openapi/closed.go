package openapi

import "github.com/getkin/kin-openapi/openapi3"

// closeObjects makes a property that a schema does not name a violation, unless
// the schema says what it may be, or is only a part of another one.
func closeObjects(doc *openapi3.T) {
	w := walk{seen: map[*openapi3.Schema]bool{}, part: map[*openapi3.Schema]bool{}}
	for _, schema := range doc.Components.Schemas {
		w.visit(schema)
	}
	for _, path := range doc.Paths.Map() {
		for _, operation := range path.Operations() {
			if operation.RequestBody != nil {
				w.content(operation.RequestBody.Value.Content)
			}
			for _, response := range operation.Responses.Map() {
				w.content(response.Value.Content)
			}
		}
	}
	for schema := range w.seen {
		if len(schema.Properties) > 0 && schema.AdditionalProperties == (openapi3.AdditionalProperties{}) && !w.part[schema] {
			schema.WithoutAdditionalProperties()
		}
	}
}

// walk goes through schemas.
type walk struct {
	seen map[*openapi3.Schema]bool
	part map[*openapi3.Schema]bool // of those that consist of several
}

func (w walk) content(content openapi3.Content) {
	for _, media := range content {
		w.visit(media.Schema)
	}
}

func (w walk) visit(ref *openapi3.SchemaRef) {
	if ref == nil || ref.Value == nil || w.seen[ref.Value] {
		return
	}
	schema := ref.Value
	w.seen[schema] = true
	w.visit(schema.Items)
	w.visit(schema.AdditionalProperties.Schema)
	for _, property := range schema.Properties {
		w.visit(property)
	}
	for _, part := range schema.AllOf {
		w.part[part.Value] = true
		w.visit(part)
	}
}
