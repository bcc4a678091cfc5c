// Renders a Helm chart as `helm template` does, as far as our chart goes, where helm is not to be had.
//
// Standard input is {"name", "namespace", "values"}, values being merged with the chart's own;
// standard output is an object of the text of each template by its name.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	"sigs.k8s.io/yaml"
)

type files map[string][]byte

func (f files) Get(name string) string { return string(f[name]) }

func (f files) Glob(pattern string) files {
	found := files{}
	for name, text := range f {
		if matches, _ := path.Match(pattern, name); matches {
			found[name] = text
		}
	}
	return found
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func functions(all *template.Template) template.FuncMap {
	added := sprig.TxtFuncMap()
	added["include"] = func(name string, data interface{}) (string, error) {
		var text strings.Builder
		err := all.ExecuteTemplate(&text, name, data)
		return text.String(), err
	}
	added["toYaml"] = func(value interface{}) (string, error) {
		text, err := yaml.Marshal(value)
		return strings.TrimSuffix(string(text), "\n"), err
	}
	added["fromYaml"] = func(text string) (map[string]interface{}, error) {
		value := map[string]interface{}{}
		return value, yaml.Unmarshal([]byte(text), &value)
	}
	added["fromJson"] = func(text string) (map[string]interface{}, error) {
		value := map[string]interface{}{}
		return value, json.Unmarshal([]byte(text), &value)
	}
	return added
}

func main() {
	chart := os.Args[1]
	var release struct {
		Name, Namespace string
		Values          map[string]interface{}
	}
	must(json.NewDecoder(os.Stdin).Decode(&release))

	var fields map[string]interface{}
	metadata, err := os.ReadFile(filepath.Join(chart, "Chart.yaml"))
	must(err)
	must(yaml.Unmarshal(metadata, &fields))
	described := map[string]interface{}{}
	for name, value := range fields { // templates call them as Go does
		described[strings.ToUpper(name[:1])+name[1:]] = value
	}

	all := template.New("chart").Option("missingkey=zero")
	all.Funcs(functions(all))
	found, names := files{}, []string{}
	must(filepath.Walk(chart, func(at string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		text, err := os.ReadFile(at)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(chart, at)
		if !strings.HasPrefix(name, "templates/") {
			found[name] = text
			return err
		}
		names = append(names, name)
		_, err = all.New(name).Parse(string(text))
		return err
	}))

	rendered := map[string]string{}
	for _, name := range names {
		if strings.HasPrefix(path.Base(name), "_") {
			continue
		}
		var text bytes.Buffer
		must(all.ExecuteTemplate(&text, name, map[string]interface{}{
			"Values":   release.Values,
			"Chart":    described,
			"Files":    found,
			"Template": map[string]interface{}{"Name": name, "BasePath": "templates"},
			"Release": map[string]interface{}{
				"Name": release.Name, "Namespace": release.Namespace, "Service": "Helm",
				"IsInstall": true, "IsUpgrade": false, "Revision": 1,
			},
		}))
		rendered[name] = strings.ReplaceAll(text.String(), "<no value>", "")
	}
	must(json.NewEncoder(os.Stdout).Encode(rendered))
}
