#include "testing/server_certificate.hpp"

#include "testing/issue_certificate.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <stdexcept>

namespace coauth::testing
{

namespace
{

constexpr long hour = 3600;

openssl_ptr<X509> share(X509& certificate)
{
    X509_up_ref(&certificate);
    return openssl_ptr<X509>(&certificate);
}

certificate_content leaf_content(certificate kind)
{
    certificate_content content;
    if (kind == certificate::expired)
        content.not_after = -hour;
    if (kind == certificate::wrong_host)
    {
        content.common_name = "other.example";
        content.alternative_names = "DNS:other.example,IP:192.0.2.1";
    }
    return content;
}

issued_certificate make_root(std::string common_name)
{
    return issue(ca_content(std::move(common_name), "critical,CA:TRUE"), nullptr);
}

server_certificate make_certificate(certificate kind)
{
    auto const root = make_root("coauth test CA");
    auto const other_root = make_root("coauth other test CA");
    auto const intermediate = issue(
        ca_content("coauth test intermediate", "critical,CA:TRUE,pathlen:0"),
        kind == certificate::unknown_ca ? &other_root : &root);
    auto leaf = issue(leaf_content(kind), &intermediate);

    server_certificate result;
    result.ca_pem = to_pem(*root.certificate);
    auto const root_crl = make_crl_pem(root, nullptr);
    result.crl_pem = root_crl + make_crl_pem(intermediate, leaf.certificate.get());
    result.crl_pem_without_entry = root_crl + make_crl_pem(intermediate, nullptr);
    result.chain.push_back(share(*intermediate.certificate));
    result.certificate = std::move(leaf.certificate);
    result.key = std::move(leaf.key);
    return result;
}

// OpenSSL's default would ask for a pass-phrase at the terminal.
int no_passphrase(char*, int, int, void*)
{
    return 0;
}

openssl_ptr<X509> read_next_certificate(BIO& input)
{
    return openssl_ptr<X509>(PEM_read_bio_X509(&input, nullptr, nullptr, nullptr));
}

server_certificate read_certificate(server_options const& options)
{
    auto const certificates = memory_bio(options.certificate_pem);
    auto const key = memory_bio(options.key_pem);
    server_certificate result;
    result.ca_pem = options.ca_pem;
    result.certificate = read_next_certificate(*certificates);
    if (!result.certificate)
        throw std::runtime_error("server_options::certificate_pem contains no certificate");
    while (auto next = read_next_certificate(*certificates))
        result.chain.push_back(std::move(next));
    result.key.reset(PEM_read_bio_PrivateKey(key.get(), nullptr, no_passphrase, nullptr));
    // The end of the text is an error to OpenSSL.
    ERR_clear_error();
    if (!result.key)
        throw std::runtime_error("server_options::key_pem contains no unencrypted private key");
    return result;
}

} // namespace

server_certificate make_server_certificate(server_options const& options)
{
    return options.certificate_pem.empty() ? make_certificate(options.certificate)
                                           : read_certificate(options);
}

} // namespace coauth::testing
