package config_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/platform/config"
)

type settings struct {
	Addr  string `env:"ROOFTOP_T_ADDR" default:"127.0.0.1:1"`
	URL   string `env:"ROOFTOP_T_URL" secret:"url"`
	Key   string `env:"ROOFTOP_T_KEY" secret:"true"`
	Inner struct {
		Wait time.Duration `env:"ROOFTOP_T_WAIT" default:"5s"`
		N    int           `env:"ROOFTOP_T_N" default:"3"`
		On   bool          `env:"ROOFTOP_T_ON"`
	}
}

func TestEnvironmentWinsOverFileOverDefault(t *testing.T) {
	file := filepath.Join(t.TempDir(), "rooftop.env")
	require.NoError(t, os.WriteFile(file, []byte("# a comment\nROOFTOP_T_ADDR=file:1\nexport ROOFTOP_T_N=\"7\"\n\nROOFTOP_T_ON=true\n"), 0o600))
	t.Setenv("ROOFTOP_T_ADDR", "env:1")
	env, err := config.Read(file)
	require.NoError(t, err)
	var s settings
	require.NoError(t, env.Load(&s))
	assert.Equal(t, "env:1", s.Addr)
	assert.Equal(t, 7, s.Inner.N)
	assert.True(t, s.Inner.On)
	assert.Equal(t, 5*time.Second, s.Inner.Wait)
}

func TestEveryUnreadableValueIsNamed(t *testing.T) {
	t.Setenv("ROOFTOP_T_N", "many")
	t.Setenv("ROOFTOP_T_WAIT", "soon")
	t.Setenv("ROOFTOP_T_TYPO", "1")
	env, err := config.Read("")
	require.NoError(t, err)
	var s settings
	err = env.Load(&s)
	require.ErrorContains(t, err, "ROOFTOP_T_N")
	require.ErrorContains(t, err, "ROOFTOP_T_WAIT")
	assert.Contains(t, env.Unknown(s), "ROOFTOP_T_TYPO")
}

func TestSecretsAreMasked(t *testing.T) {
	t.Parallel()
	s := settings{URL: "postgres://me:hush@db/x?password=hush2", Key: "hush3"}
	for _, line := range config.Describe(s) {
		assert.NotContains(t, line.Value, "hush")
	}
	assert.Equal(t, "****", config.Describe(settings{URL: "host=db password=hush"})[1].Value)
}

func TestFileWithoutSense(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "x")
	require.NoError(t, os.WriteFile(file, []byte("what\n"), 0o600))
	_, err := config.Read(file)
	require.ErrorContains(t, err, "x:1")
	_, err = config.Read(file + ".gone")
	assert.ErrorContains(t, err, "configuration file")
}
