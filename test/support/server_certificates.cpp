#include "server_certificates.hpp"

#include "certificates.hpp"

#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace test
{

namespace
{

constexpr long hour = 3600;
constexpr long day = 24 * hour;

constexpr char const* valid_names = "DNS:localhost,IP:127.0.0.1,IP:::1";

struct key_and_certificate
{
    std::shared_ptr<EVP_PKEY> key;
    std::shared_ptr<X509> certificate;
};

certificate_spec base_spec()
{
    certificate_spec spec;
    spec.key_identifiers = true;
    spec.not_before = -day;
    spec.not_after = 30 * day;
    return spec;
}

certificate_spec ca_spec(std::string common_name, std::string basic_constraints)
{
    auto spec = base_spec();
    spec.common_name = std::move(common_name);
    spec.basic_constraints = std::move(basic_constraints);
    spec.key_usage = "critical,keyCertSign,cRLSign";
    return spec;
}

certificate_spec valid_leaf_spec()
{
    auto spec = base_spec();
    spec.alternative_names = valid_names;
    spec.basic_constraints = "critical,CA:FALSE";
    spec.key_usage = "critical,digitalSignature";
    spec.extended_key_usage = "serverAuth";
    return spec;
}

key_and_certificate issue(
    certificate_spec const& spec, std::shared_ptr<EVP_PKEY> key, key_and_certificate const* issuer)
{
    if (!issuer)
    {
        auto certificate = issue_certificate(spec, *key);
        return {std::move(key), std::move(certificate)};
    }
    certificate_issuer const signer{*issuer->certificate, *issuer->key};
    auto certificate = issue_certificate(spec, *key, &signer);
    return {std::move(key), std::move(certificate)};
}

key_and_certificate make_root(std::string const& name)
{
    return issue(ca_spec(name, "critical,CA:TRUE"), make_p256_key(), nullptr);
}

// The content of the leaf, with the faults that concern the leaf itself.
certificate_spec leaf_spec(server_certificate kind)
{
    auto spec = valid_leaf_spec();
    switch (kind)
    {
    case server_certificate::not_yet_valid:
        spec.not_before = day;
        break;
    case server_certificate::wrong_alternative_name:
        spec.alternative_names = "DNS:other.example,IP:192.0.2.1";
        break;
    case server_certificate::common_name_only:
        spec.alternative_names.clear();
        break;
    case server_certificate::ip_as_dns_name:
        spec.common_name = "127.0.0.1";
        spec.alternative_names = "DNS:127.0.0.1";
        break;
    case server_certificate::bare_wildcard:
        spec.common_name = "*";
        spec.alternative_names = "DNS:*";
        break;
    case server_certificate::nul_in_name:
        spec.common_name = "other.example";
        spec.alternative_names.clear();
        spec.nul_in_name = true;
        break;
    case server_certificate::client_only:
        spec.extended_key_usage = "clientAuth";
        break;
    case server_certificate::sha1_signature:
        spec.digest = "SHA1";
        break;
    default:
        break;
    }
    return spec;
}

certificate_spec intermediate_spec(server_certificate kind)
{
    auto spec = ca_spec("coauth test intermediate", "critical,CA:TRUE,pathlen:0");
    if (kind == server_certificate::expired_intermediate)
        spec.not_after = -hour;
    if (kind == server_certificate::name_constraint)
        spec.name_constraints = "critical,permitted;DNS:other.example,permitted;IP:192.0.2.0/"
                                "255.255.255.0";
    return spec;
}

std::shared_ptr<EVP_PKEY> make_leaf_key(server_certificate kind)
{
    if (kind == server_certificate::valid_rsa)
        return make_rsa_key(2048);
    if (kind == server_certificate::weak_key)
        return make_rsa_key(1024);
    return make_p256_key();
}

// An additional issuer between intermediate and leaf, which makes the chain invalid.
std::optional<key_and_certificate>
make_invalid_issuer(server_certificate kind, key_and_certificate const& intermediate)
{
    if (kind == server_certificate::issued_by_leaf)
        return issue(valid_leaf_spec(), make_p256_key(), &intermediate);
    if (kind == server_certificate::path_too_long)
        return issue(
            ca_spec("coauth test second intermediate", "critical,CA:TRUE"), make_p256_key(),
            &intermediate);
    return std::nullopt;
}

void use_new_certificate(coauth::testing::server_options& options, server_certificate kind)
{
    auto const root = make_root("coauth test CA");
    auto const intermediate = issue(intermediate_spec(kind), make_p256_key(), &root);
    auto const invalid_issuer = make_invalid_issuer(kind, intermediate);
    auto const* const issuer = kind == server_certificate::self_signed ? nullptr
                               : invalid_issuer                        ? &*invalid_issuer
                                                                       : &intermediate;
    auto const leaf = issue(leaf_spec(kind), make_leaf_key(kind), issuer);

    options.ca_pem = certificate_pem(*root.certificate);
    options.key_pem = private_key_pem(*leaf.key);
    options.certificate_pem = certificate_pem(*leaf.certificate);
    if (invalid_issuer)
        options.certificate_pem += certificate_pem(*invalid_issuer->certificate);
    if (issuer && kind != server_certificate::missing_intermediate)
        options.certificate_pem += certificate_pem(*intermediate.certificate);
}

} // namespace

void use_certificate(coauth::testing::server_options& options, server_certificate kind)
{
    using coauth::testing::certificate;
    switch (kind)
    {
    case server_certificate::valid:
        options.certificate = certificate::valid;
        break;
    case server_certificate::expired:
        options.certificate = certificate::expired;
        break;
    case server_certificate::unknown_ca:
        options.certificate = certificate::unknown_ca;
        break;
    case server_certificate::wrong_host:
        options.certificate = certificate::wrong_host;
        break;
    default:
        use_new_certificate(options, kind);
    }
}

} // namespace test
