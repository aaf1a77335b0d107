package provider

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ReadOptions reads a shape's options into the fields that a provider knows,
// each a pointer to a string, an int, a float64, a bool or a time.Duration, and
// returns everything that is wrong with them: unknown names, with those known,
// and values that are not of the field's type. Fields without an option stay
// as they are.
func ReadOptions(options map[string]string, fields map[string]any) (problems []string) {
	known := slices.Sorted(maps.Keys(fields))
	for _, name := range slices.Sorted(maps.Keys(options)) {
		field, ok := fields[name]
		switch {
		case !ok && len(known) == 0:
			problems = append(problems, fmt.Sprintf("options.%s: this provider has no options", name))
		case !ok:
			problems = append(problems, NotOneOf("option", name, known))
		default:
			if err := readOption(options[name], field); err != nil {
				problems = append(problems, fmt.Sprintf("options.%s %q: %v", name, options[name], err))
			}
		}
	}
	return problems
}

func readOption(text string, field any) error {
	var err error
	ok, wanted := true, ""
	text = strings.TrimSpace(text)
	switch field := field.(type) {
	case *string:
		*field = text
	case *int:
		*field, err = strconv.Atoi(text)
		wanted = "a whole number"
	case *float64:
		*field, err = strconv.ParseFloat(text, 64)
		wanted = "a number"
	case *bool:
		*field, err = strconv.ParseBool(text)
		wanted = "true or false"
	case *time.Duration:
		*field, err = time.ParseDuration(text)
		wanted = "a duration such as 5m"
	default:
		ok = false
	}
	if !ok {
		panic(fmt.Sprintf("provider: options cannot be read into a %T", field))
	}
	if err != nil {
		return fmt.Errorf("must be %s", wanted)
	}
	return nil
}
