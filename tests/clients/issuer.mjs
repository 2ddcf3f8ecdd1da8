// An agency's own identity provider: oidc-provider, which gives its one client access tokens for one resource.
// node issuer.mjs PORT CLIENT_ID CLIENT_SECRET RESOURCE [ALGORITHM] ; the tokens are JWTs (RFC 9068), bound by
// DPoP, signed with ES256 or with another algorithm.
import { generateKeyPairSync } from 'node:crypto'
import Provider from 'oidc-provider'

const [port, clientId, clientSecret, resource, alg = 'ES256'] = process.argv.slice(2)
const { privateKey } =
  alg === 'ES256'
    ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
    : generateKeyPairSync('rsa', { modulusLength: 2048 })
const key = { ...privateKey.export({ format: 'jwk' }), kid: 'provider-1', use: 'sig', alg }

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [
    {
      client_id: clientId,
      client_secret: clientSecret,
      redirect_uris: [],
      response_types: [],
      grant_types: ['client_credentials'],
      scope: 'reads:query',
    },
  ],
  jwks: { keys: [key] },
  scopes: ['openid', 'reads:query'],
  enabledJWA: { idTokenSigningAlgValues: [alg] },
  clientDefaults: { id_token_signed_response_alg: alg },
  features: {
    clientCredentials: { enabled: true },
    dPoP: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => resource,
      getResourceServerInfo: () => ({
        scope: 'reads:query',
        audience: resource,
        accessTokenFormat: 'jwt',
        accessTokenTTL: 300,
        jwt: { sign: { alg } },
      }),
    },
  },
})
provider.listen(Number(port), '127.0.0.1', () => console.log('ready'))
