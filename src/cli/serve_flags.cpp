#include "cli/serve_flags.hpp"

#include <boost/program_options.hpp>

namespace coauth::cli
{
namespace
{

namespace po = boost::program_options;

po::options_description server_group(serve_flags& flags)
{
    po::options_description group("Server");
    group.add_options()(
        "port", po::value(&flags.port)->default_value("0")->value_name("NUMBER"),
        "the port at 127.0.0.1; 0: any free port")(
        "flavor", po::value(&flags.flavor)->default_value("rfc6749")->value_name("NAME"),
        "rfc6749, or smscx to respond as SMS.CX does")(
        "scope", po::value(&flags.scope)->default_value("read write")->value_name("WORDS"),
        "the scopes that the client may request")(
        "grant", po::value(&flags.grants)->value_name("NAME"),
        "a grant in addition to client credentials: refresh-token, jwt-bearer or token-exchange; "
        "repeatable")(
        "assertion-issuer", po::value(&flags.assertion_issuer)->value_name("TEXT"),
        "the issuer of the assertions of the jwt-bearer grant (iss). Default: any assertion is "
        "accepted without a check")(
        "assertion-key-file", po::value(&flags.assertion_key_files)->value_name("FILE"),
        "a public key or certificate of that issuer, in PEM; repeatable")(
        "token-lifetime", po::value(&flags.lifetime)->default_value("3600")->value_name("SECONDS"),
        "the lifetime of its tokens")(
        "dpop", po::value(&flags.dpop)->default_value("accepted")->value_name("WHEN"),
        "off, accepted or required: whether clients bind tokens to a key (RFC 9449)")(
        "dpop-nonce", po::bool_switch(&flags.dpop_nonce), "DPoP proofs need the server's nonce")(
        "http", po::bool_switch(&flags.http), "use plain HTTP; see coauth token --http-loopback");
    return group;
}

po::options_description client_group(serve_flags& flags)
{
    po::options_description group("Its registered client");
    group.add_options()(
        "client-id", po::value(&flags.client_id)->default_value("client")->value_name("ID"),
        "the client id")(
        "secret-file", po::value(&flags.secret_file)->value_name("FILE"),
        "the file with the client secret, - for standard input. Default: a new secret")(
        "key-file", po::value(&flags.key_files)->value_name("FILE"),
        "a public key or certificate, in PEM, that verifies its assertions; repeatable")(
        "cert-file", po::value(&flags.certificate_file)->value_name("FILE"),
        "its self-signed TLS certificate, in PEM (RFC 8705)")(
        "client-ca-file", po::value(&flags.client_ca_file)->value_name("FILE"),
        "the CAs of clients' TLS certificates, in PEM")(
        "cert-subject", po::value(&flags.certificate_subject)->value_name("TEXT"),
        "the subject of its certificate from such a CA, such as \"CN=client,O=Example\"")(
        "mtls-alias", po::bool_switch(&flags.mtls_alias),
        "request certificates only at a second port, which the metadata name (RFC 8705)")(
        "public", po::bool_switch(&flags.is_public), "a public client: it has no credentials");
    return group;
}

} // namespace

po::options_description describe_serve_flags(serve_flags& flags)
{
    po::options_description command("Command");
    command.add_options()(
        "output,o", po::value(&flags.output)->default_value("summary")->value_name("FORM"),
        "summary, or env: assignments for a shell")(
        "help,h", po::bool_switch(&flags.help), "show this help");
    po::options_description all;
    all.add(server_group(flags)).add(client_group(flags)).add(command);
    return all;
}

} // namespace coauth::cli
