// The token endpoint of a second authorization server, npm's @node-oauth/oauth2-server. Unlike
// oidc-provider it does not decode Basic credentials.

import OAuth2Server from '@node-oauth/oauth2-server';

// client_id, client_secret, and the allowed scopes and grants.
const clients = [
  ['basic', 'basic-secret', ['read', 'write']],
  ['plus+id', 'plus+secret', ['read']],
  ['special', 's:e+c%72/e&t =?#"~*\\', ['read']],
  ['other-grant', 'other-grant-secret', [], ['refresh_token']],
];

const model = {
  getClient(id, secret) {
    const [, , scopes, grants = ['client_credentials']] =
      clients.find((one) => one[0] === id && one[1] === secret) ?? [];
    return scopes && { id, scopes, grants };
  },
  getUserFromClient: (client) => ({ id: client.id }),
  validateScope: (user, client, scope = client.scopes) =>
    scope.every((word) => client.scopes.includes(word)) && scope,
  // The server rounds the remaining lifetime down: 600 s.
  saveToken: (token, client, user) => ({
    ...token, client, user, accessTokenExpiresAt: new Date(Date.now() + 600_900) }),
};

const server = new OAuth2Server({ model });

async function form(req) {
  let body = '';
  for await (const part of req) body += part;
  return Object.fromEntries(new URLSearchParams(body));
}

export async function response(req, res) {
  const response = new OAuth2Server.Response();
  const request = new OAuth2Server.Request({
    headers: req.headers, method: req.method, query: {}, body: await form(req) });
  await server.token(request, response).catch(() => {});
  res.writeHead(response.status, { ...response.headers, 'Content-Type': 'application/json' });
  res.end(JSON.stringify(response.body));
}
