#include "net/tls_context.hpp"

#include "crypto/openssl_error.hpp"
#include "crypto/openssl_ptr.hpp"
#include "net/tls_settings.hpp"
#include "net/trust_store.hpp"
#include "values/make_error.hpp"

#include <openssl/ssl.h>

#include <list>
#include <mutex>
#include <string>
#include <utility>

namespace coauth::net
{
namespace
{

result<std::shared_ptr<tls_context>>
make_context(tls_options const& options, std::string const& ca_file_text)
{
    crypto::clear_errors();
    crypto::openssl_ptr<SSL_CTX> owned(SSL_CTX_new(TLS_client_method()));
    if (!owned)
    {
        crypto::throw_if_out_of_memory();
        return detail::config_error("OpenSSL offers no TLS; check its configuration (openssl.cnf)");
    }
    auto context = std::make_shared<tls_context>(owned.get(), options.session_resumption);
    SSL_CTX* const native = owned.release();
    auto const applied = apply_tls_settings(native);
    if (!applied)
        return applied.error();
    set_verify_callback(native);
    auto store = make_trust_store(options, ca_file_text);
    if (!store)
        return store.error();
    SSL_CTX_set_cert_store(native, store->release());
    return context;
}

struct cached_context
{
    tls_options options;
    // A CA file that was replaced must not be served from the cache.
    std::string ca_file_text;
    std::shared_ptr<tls_context> context;
};

bool same_options(tls_options const& a, tls_options const& b)
{
    return a.ca_file == b.ca_file && a.ca_pem == b.ca_pem &&
           a.system_trust_store == b.system_trust_store && a.crl_pem == b.crl_pem &&
           a.session_resumption == b.session_resumption;
}

class context_cache
{
public:
    result<std::shared_ptr<tls_context>>
    find(tls_options const& options, std::string const& ca_file_text)
    {
        std::lock_guard const lock(mutex_);
        for (auto i = entries_.begin(); i != entries_.end(); ++i)
        {
            if (!same_options(i->options, options) || i->ca_file_text != ca_file_text)
                continue;
            entries_.splice(entries_.begin(), entries_, i);
            return i->context;
        }
        auto context = make_context(options, ca_file_text);
        if (!context)
            return context;
        entries_.push_front({options, ca_file_text, *context});
        if (entries_.size() > capacity)
            entries_.pop_back();
        return context;
    }

private:
    static constexpr std::size_t capacity = 16;

    std::mutex mutex_;
    // The most recently used is the first.
    std::list<cached_context> entries_;
};

} // namespace

tls_context::tls_context(SSL_CTX* native, bool session_resumption) : native_(native)
{
    if (session_resumption)
        sessions_.emplace(native);
    else
        SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
}

tls_context::~tls_context()
{
    SSL_CTX_free(native_);
}

void tls_context::attach(SSL* connection, session_key& key)
{
    if (!sessions_)
        return;
    key.cache = &*sessions_;
    sessions_->attach(connection, key);
}

result<std::shared_ptr<tls_context>> find_tls_context(tls_options const& options)
{
    // Never destroyed: threads may use it while the process exits. For the same reason OpenSSL must
    // not clean up then, which it can only be told before its first use.
    (void)OPENSSL_init_ssl(OPENSSL_INIT_NO_ATEXIT, nullptr);
    static auto& cache = *new context_cache;
    auto const ca_file_text = read_ca_file(options);
    if (!ca_file_text)
        return ca_file_text.error();
    return cache.find(options, *ca_file_text);
}

} // namespace coauth::net
