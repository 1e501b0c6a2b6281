package apptest_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/apptest"
)

// The commands of the README, and the script that goes the same way, are what a newcomer pastes first.
func TestTheTourWorksWordForWord(t *testing.T) {
	t.Parallel()
	shell := lookUp(t, "sh")
	lookUp(t, "curl")
	for _, tt := range []struct {
		name   string
		script func(t *testing.T) string
	}{
		{"README.md", tourOfReadme},
		{"examples/tour.sh", func(*testing.T) string { return "sh examples/tour.sh" }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := apptest.New(t)
			folder := newcomersFolder(t, p)
			cmd := exec.CommandContext(t.Context(), shell, "-e", "-c", strings.ReplaceAll(tt.script(t), "http://127.0.0.1:8080", p.URL))
			cmd.Dir, cmd.Env = folder, append(os.Environ(), "CURL_HOME="+folder, "TMPDIR="+folder)
			said, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s", said)
			require.NotContains(t, string(said), "/problems/")
		})
	}
}

func lookUp(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Skip(program + " is not installed")
	}
	return path
}

// tourOfReadme is every shell command of the README's tour.
func tourOfReadme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	_, tour, found := strings.Cut(string(text), "\n## Five minutes with curl\n")
	require.True(t, found)
	tour, _, _ = strings.Cut(tour, "\n## ")
	var script strings.Builder
	for _, block := range strings.Split(tour, "```sh\n")[1:] {
		commands, _, _ := strings.Cut(block, "```")
		script.WriteString(commands)
	}
	return script.String()
}

// newcomersFolder is a checkout as far as the tour sees it, with the credentials that make run leaves behind.
func newcomersFolder(t *testing.T, p *apptest.Program) string {
	t.Helper()
	a := p.Account(t)
	second := a.AddDealership("Garage du Second Exemple")
	credentials, err := json.MarshalIndent(object{
		"base_url": p.URL, "dealership_ids": []string{a.Dealership, second}, "admin": object{"email": a.AdminEmail, "password": apptest.Password},
	}, "", "  ")
	require.NoError(t, err)
	folder := t.TempDir()
	examples, err := filepath.Abs("../../examples")
	require.NoError(t, err)
	require.NoError(t, os.Symlink(examples, filepath.Join(folder, "examples")))
	require.NoError(t, os.Mkdir(filepath.Join(folder, ".rooftop"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(folder, ".rooftop", "dev-credentials.json"), credentials, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(folder, ".curlrc"), []byte("fail-with-body\n"), 0o600))
	return folder
}
