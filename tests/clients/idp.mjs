// The city's identity provider of the tests: oidc-provider on a port of the loopback address, one client.
// node idp.mjs PORT CLIENT_ID CLIENT_SECRET REDIRECT_URI POST_LOGOUT_URI ; whoever logs in is who they say.
import Provider from 'oidc-provider'

const [port, clientId, clientSecret, redirectUri, afterUri] = process.argv.slice(2)
const issuer = `http://127.0.0.1:${port}`

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: clientId,
      client_secret: clientSecret,
      redirect_uris: [redirectUri],
      post_logout_redirect_uris: [afterUri],
      response_types: ['code'],
      grant_types: ['authorization_code'],
      require_auth_time: true,
    },
  ],
  pkce: { required: () => true },
  features: { rpInitiatedLogout: { enabled: true }, devInteractions: { enabled: true } },
  findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
})
provider.listen(Number(port), '127.0.0.1', () => console.log('ready'))
