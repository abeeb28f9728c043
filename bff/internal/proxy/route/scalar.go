package route

import (
	"errors"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// scalar returns the text of a plain, non-empty scalar. An empty value is refused:
// it would mean the default, and `roles:` alone is more likely a forgotten value.
func scalar(n ast.Node) (string, error) {
	switch n := n.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode, *ast.MergeKeyNode:
		return "", errors.New("anchors, aliases and tags are not supported; write the value out")
	case ast.ScalarNode:
		if s := n.GetToken().Value; n.Type() != ast.NullType && s != "" {
			return s, nil
		}
		return "", errors.New("empty; give a value or remove the key")
	case *ast.MappingNode:
		if len(n.Values) == 1 {
			return scalar(n.Values[0])
		}
	case *ast.MappingValueNode:
		// The parser takes [http://a:80] inside of braces for a mapping. A colon
		// with no space behind it is part of the text (YAML 1.2 §7.3.3).
		key, colon, value := n.Key.GetToken(), n.Start, n.Value.GetToken()
		if value != nil && key.Type == token.StringType && colon.Position.Line == value.Position.Line && colon.Position.Column+1 == value.Position.Column {
			return key.Value + ":" + value.Value, nil
		}
	}
	return "", errors.New("must be a single value")
}

func scalars(n ast.Node) (list []string, err error) {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		return nil, errors.New("must be a list such as [a, b]")
	}
	for _, v := range seq.Values {
		s, err := scalar(v)
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	if len(list) == 0 {
		return nil, errors.New("empty list; give a value or remove the key")
	}
	return list, nil
}
