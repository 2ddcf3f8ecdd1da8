// Verify a webhook as an agency would, by the reference library of Standard Webhooks.
//
//   node webhook.mjs < {"secret": "whsec_…", "headers": {…}, "body": "…"}
//
// Prints one line of JSON: {"verified": <what was sent>} or {"refused": "<why>"}.
import { text } from 'node:stream/consumers'
import { Webhook } from 'standardwebhooks'

const { secret, headers, body } = JSON.parse(await text(process.stdin))
try {
  console.log(JSON.stringify({ verified: new Webhook(secret).verify(body, headers) }))
} catch (error) {
  console.log(JSON.stringify({ refused: error.message }))
}
