package seed

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/rooftop-crm/rooftop/internal/kernel"
)

// Access is how to get into one demo account.
type Access struct {
	BaseURL       string                `json:"base_url"`
	AccountID     kernel.AccountID      `json:"account_id"`
	DealershipIDs []kernel.DealershipID `json:"dealership_ids"`
	// Admin is the administrator. The password is that of every other demo user of the account, too.
	Admin   Login  `json:"admin"`
	Partner Client `json:"partner"`
	SiteKey string `json:"site_key"`
	APIKey  string `json:"api_key"`
}

// Login is how a user signs in.
type Login struct {
	Email    string `json:"email"`
	Password string `json:"password"`
}

// Client is how the partner signs in, and the code by which it knows the account's first dealership.
type Client struct {
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
	DealerCode   string `json:"dealer_code"`
}

// Credentials is the content of the credentials file.
type Credentials struct {
	Access
	Other *Access `json:"other,omitempty"`
}

// read fails with ErrLost when there is no file, or when it is not one of ours.
func read(file string) (Credentials, error) {
	var c Credentials
	text, err := os.ReadFile(file) //nolint:gosec // the operator names the folder
	if errors.Is(err, os.ErrNotExist) {
		return c, ErrLost
	}
	if err != nil {
		return c, fmt.Errorf("read the demo credentials: %w", err)
	}
	if json.Unmarshal(text, &c) != nil || c.AccountID.IsZero() {
		return c, ErrLost
	}
	return c, nil
}

// write replaces the file as a whole: whoever reads it sees the old content or the new one.
func write(file string, c Credentials) error {
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	folder := filepath.Dir(file)
	if err := os.MkdirAll(folder, 0o755); err != nil { //nolint:gosec // Postgres may run as another user and must pass through
		return fmt.Errorf("keep the demo credentials: %w", err)
	}
	fresh, err := os.CreateTemp(folder, filepath.Base(file)+".*") // mode 0600
	if err != nil {
		return fmt.Errorf("keep the demo credentials: %w", err)
	}
	defer func() { _ = os.Remove(fresh.Name()) }()
	_, err = fresh.Write(append(text, '\n'))
	err = errors.Join(err, fresh.Sync(), fresh.Close())
	if err == nil {
		err = os.Rename(fresh.Name(), file)
	}
	if err != nil {
		return fmt.Errorf("keep the demo credentials: %w", err)
	}
	return nil
}
