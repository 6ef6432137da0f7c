#include "crypto/store_key.hpp"

#include "crypto/openssl_error.hpp"
#include "crypto/passphrase.hpp"
#include "crypto/pem.hpp"

#include <openssl/store.h>
#include <openssl/ui.h>

#include <memory>

namespace coauth::crypto
{
namespace
{

struct store_deleter
{
    void operator()(OSSL_STORE_CTX* p) const noexcept { OSSL_STORE_close(p); }
    void operator()(OSSL_STORE_INFO* p) const noexcept { OSSL_STORE_INFO_free(p); }
    void operator()(UI_METHOD* p) const noexcept { UI_destroy_method(p); }
};

template <class T>
using store_ptr = std::unique_ptr<T, store_deleter>;

// Null: the store has none that can be read.
openssl_ptr<EVP_PKEY> load_first_key(OSSL_STORE_CTX* store)
{
    // A store that fails may never come to its end.
    constexpr int max_objects = 1000;
    (void)OSSL_STORE_expect(store, OSSL_STORE_INFO_PKEY);
    for (int i = 0; i < max_objects && OSSL_STORE_eof(store) == 0; ++i)
    {
        store_ptr<OSSL_STORE_INFO> const object(OSSL_STORE_load(store));
        if (object && OSSL_STORE_INFO_get_type(object.get()) == OSSL_STORE_INFO_PKEY)
            return openssl_ptr<EVP_PKEY>(OSSL_STORE_INFO_get1_PKEY(object.get()));
    }
    return nullptr;
}

bool is_unknown_scheme()
{
    auto const failure = ERR_peek_last_error();
    return ERR_GET_LIB(failure) == ERR_LIB_OSSL_STORE &&
           ERR_GET_REASON(failure) == ERR_R_UNSUPPORTED;
}

error describe_failure(
    std::string const& name, std::string const& uri, passphrase_callback const& callback,
    bool has_provider, std::string_view passphrase_source)
{
    auto const scheme = uri.substr(0, uri.find(':'));
    bool const unknown = is_unknown_scheme();
    throw_if_out_of_memory();
    if (!callback.failure().empty())
        return pem_error(name + ": the pass-phrase cannot be obtained: " + callback.failure());
    if (callback.was_called() && !has_provider)
        return pem_error(
            name + " needs a pass-phrase or PIN; give " + std::string(passphrase_source));
    if (callback.was_called())
        return pem_error(
            name + " cannot be read with the pass-phrase or PIN; check " +
            std::string(passphrase_source));
    if (unknown && scheme != "file")
        return pem_error(
            name + ": OpenSSL has no provider for '" + scheme +
            ":'; install one, such as pkcs11-provider, and name it in openssl.cnf");
    return pem_error(name + " names no private key that OpenSSL can read; check the URI");
}

} // namespace

std::string shown_uri(std::string const& uri)
{
    return uri.substr(0, uri.find('?'));
}

std::string path_of_uri(std::string_view uri)
{
    for (std::string_view const prefix : {"file://localhost/", "file:///", "file:"})
        if (uri.starts_with(prefix))
            return (prefix.ends_with('/') ? "/" : "") + std::string(uri.substr(prefix.size()));
    return {};
}

result<openssl_ptr<EVP_PKEY>> read_store_key(
    std::string const& uri, secret_provider const& passphrase, std::string_view subject,
    std::string_view passphrase_source)
{
    auto const name = std::string(subject) + " '" + shown_uri(uri) + "'";
    clear_errors();
    passphrase_callback callback(passphrase);
    store_ptr<UI_METHOD> const method(UI_UTIL_wrap_read_pem_callback(passphrase_callback::call, 0));
    store_ptr<OSSL_STORE_CTX> const store(
        method ? OSSL_STORE_open(uri.c_str(), method.get(), &callback, nullptr, nullptr) : nullptr);
    auto key = store ? load_first_key(store.get()) : nullptr;
    if (!key)
        return describe_failure(name, uri, callback, bool(passphrase), passphrase_source);
    ERR_clear_error();
    return key;
}

} // namespace coauth::crypto
