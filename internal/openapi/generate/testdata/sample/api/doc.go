// Package api is the sample's edge.
//
//	@title			Sample
//	@version		1.0.0
//	@description	A sample.
//	@contact.name	Nobody
//	@contact.url	https://example.org
//	@license.name	Apache 2.0
//	@license.url	https://www.apache.org/licenses/LICENSE-2.0
//	@BasePath		/v1
//	@tag.name			leads
//	@tag.description	Enquiries.
//	@tag.name			operations
//	@tag.description	Health.
//	@securityDefinitions.apikey	Bearer
//	@in							header
//	@name						Authorization
package api
