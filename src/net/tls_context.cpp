#include "net/tls_context.hpp"

#include "crypto/openssl_memory.hpp"
#include "values/make_error.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <list>
#include <mutex>
#include <new>
#include <string>

namespace coauth::net
{
namespace
{

struct free_store
{
    void operator()(X509_STORE* p) const noexcept { X509_STORE_free(p); }
};
struct free_context
{
    void operator()(SSL_CTX* p) const noexcept { SSL_CTX_free(p); }
};
struct free_bio
{
    void operator()(BIO* p) const noexcept { BIO_free(p); }
};
struct free_certificate
{
    void operator()(X509* p) const noexcept { X509_free(p); }
};
struct free_crl
{
    void operator()(X509_CRL* p) const noexcept { X509_CRL_free(p); }
};
using certificate_ptr = std::unique_ptr<X509, free_certificate>;
using store_ptr = std::unique_ptr<X509_STORE, free_store>;
using bio_ptr = std::unique_ptr<BIO, free_bio>;

bio_ptr bio_over(std::string const& text)
{
    return bio_ptr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// How many certificates of the PEM text went into the store; text between them is skipped.
int add_certificates(X509_STORE* store, std::string const& pem)
{
    int added = 0;
    forget_failures();
    auto const bio = bio_over(pem);
    while (bio)
    {
        certificate_ptr const certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
        if (!certificate)
            break;
        added += X509_STORE_add_cert(store, certificate.get());
    }
    // The end of the text is an error too.
    throw_if_lacked_memory();
    return added;
}

int add_revocation_lists(X509_STORE* store, std::string const& pem)
{
    int added = 0;
    forget_failures();
    auto const bio = bio_over(pem);
    while (bio)
    {
        std::unique_ptr<X509_CRL, free_crl> const crl(
            PEM_read_bio_X509_CRL(bio.get(), nullptr, nullptr, nullptr));
        if (!crl)
            break;
        added += X509_STORE_add_crl(store, crl.get());
    }
    throw_if_lacked_memory();
    return added;
}

result<std::string> read_file(std::string const& path)
{
    forget_failures();
    std::ifstream file(path, std::ios::binary);
    std::string text;
    std::array<char, 4096> part{};
    while (file)
    {
        file.read(part.data(), part.size());
        text.append(part.data(), static_cast<std::size_t>(file.gcount()));
    }
    // A stream tells of a lack of memory in no other way.
    if (!file.eof())
        throw_if_lacked_memory();
    if (!file.eof() || text.empty())
        return detail::config_error(
            "tls.ca_file '" + path + "' cannot be read or is empty; give the path of a PEM file");
    return text;
}

// OpenSSL reads a certificate's key and extensions once, and keeps what it found without memory as
// if the certificate were so.
bool is_readable(X509* certificate)
{
    return X509_check_purpose(certificate, -1, 0) == 1 && X509_get0_pubkey(certificate) != nullptr;
}

// Before anybody shares them.
void read_ahead(X509_STORE* store)
{
    forget_failures();
    STACK_OF(X509_OBJECT)* const held = X509_STORE_get0_objects(store);
    for (int i = 0; i < sk_X509_OBJECT_num(held); ++i)
        if (X509* const one = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(held, i)))
            (void)is_readable(one);
    throw_if_lacked_memory();
}

// Another of it, which has what this lacks; none: this is as it should be.
certificate_ptr better_copy_of(X509* certificate)
{
    certificate_ptr copy(X509_dup(certificate));
    bool const better = copy && is_readable(copy.get()) &&
                        (!is_readable(certificate) || X509_get_extension_flags(certificate) !=
                                                          X509_get_extension_flags(copy.get()));
    return better ? std::move(copy) : nullptr;
}

// Puts better ones in the place of those that were read without memory, among what may have issued
// this: a directory of the system's is read when it is needed. True: there were such.
bool mend(X509_STORE* store, X509 const* issued)
{
    bool mended = false;
    X509_STORE_lock(store);
    STACK_OF(X509_OBJECT)* const held = X509_STORE_get0_objects(store);
    for (int i = 0; i < sk_X509_OBJECT_num(held); ++i)
    {
        X509_OBJECT* const one = sk_X509_OBJECT_value(held, i);
        X509* const issuer = X509_OBJECT_get0_X509(one);
        if (issuer == nullptr ||
            X509_NAME_cmp(X509_get_subject_name(issuer), X509_get_issuer_name(issued)) != 0)
            continue;
        if (auto const better = better_copy_of(issuer))
            mended = X509_OBJECT_set1_X509(one, better.get()) == 1 || mended;
    }
    X509_STORE_unlock(store);
    return mended;
}

bool any_lacked_memory(X509_STORE_CTX* of, STACK_OF(X509) * among)
{
    bool lacked = false;
    for (int i = 0; i < sk_X509_num(among); ++i)
    {
        X509* const one = sk_X509_value(among, i);
        lacked = better_copy_of(one) || lacked;
        lacked = mend(X509_STORE_CTX_get0_store(of), one) || lacked;
    }
    return lacked;
}

// A verdict that follows from a lack of memory says nothing of the server.
int verify(X509_STORE_CTX* of, void* /*unused*/)
{
    if (X509_verify_cert(of) == 1)
        return 1;
    bool const in_chain = any_lacked_memory(of, X509_STORE_CTX_get0_chain(of));
    if (any_lacked_memory(of, X509_STORE_CTX_get0_untrusted(of)) || in_chain)
        X509_STORE_CTX_set_error(of, X509_V_ERR_OUT_OF_MEM);
    return 0;
}

// As X509_STORE_set_default_paths, which forgets that it had no memory.
void look_in_default_places(X509_STORE* store)
{
    forget_failures();
    if (X509_LOOKUP* const file = X509_STORE_add_lookup(store, X509_LOOKUP_file()))
        X509_LOOKUP_load_file(file, nullptr, X509_FILETYPE_DEFAULT);
    throw_if_lacked_memory();
    if (X509_LOOKUP* const directory = X509_STORE_add_lookup(store, X509_LOOKUP_hash_dir()))
        X509_LOOKUP_add_dir(directory, nullptr, X509_FILETYPE_DEFAULT);
    if (X509_LOOKUP* const others = X509_STORE_add_lookup(store, X509_LOOKUP_store()))
        X509_LOOKUP_add_store(others, nullptr);
    throw_if_lacked_memory();
}

// OpenSSL tells nobody that it had no descriptor left to read the file.
result<void> load_system_certificates(X509_STORE* store)
{
    look_in_default_places(store);
    // A system may have a directory alone.
    if (sk_X509_OBJECT_num(X509_STORE_get0_objects(store)) != 0)
        return {};
    char const* const elsewhere = ::secure_getenv(X509_get_default_cert_file_env());
    std::string const path = elsewhere != nullptr ? elsewhere : X509_get_default_cert_file();
    errno = 0;
    std::ifstream const file(path);
    if (file || (errno != EMFILE && errno != ENFILE && errno != ENOMEM))
        return {};
    return detail::config_error(
        "the system's trusted certificates in '" + path +
        "' cannot be read; raise the number of files that the process may open");
}

// The system's trust store, shared by every context that wants nothing else.
class system_store
{
public:
    // The caller's reference is its own.
    result<store_ptr> get()
    {
        std::lock_guard const lock(mutex_);
        if (!loaded_)
        {
            store_ptr made(X509_STORE_new());
            if (!made)
                throw std::bad_alloc();
            auto const whole = load_system_certificates(made.get());
            if (!whole)
                return whole.error();
            read_ahead(made.get());
            loaded_ = std::move(made);
        }
        X509_STORE_up_ref(loaded_.get());
        return store_ptr(loaded_.get());
    }

private:
    std::mutex mutex_;
    store_ptr loaded_;
};

result<store_ptr> make_store(tls_options const& options, std::string const& ca_file_text)
{
    store_ptr store(X509_STORE_new());
    if (!store)
        throw std::bad_alloc();
    if (options.system_trust_store)
        if (auto const whole = load_system_certificates(store.get()); !whole)
            return whole.error();
    if (!options.ca_file.empty() && add_certificates(store.get(), ca_file_text) == 0)
        return detail::config_error(
            "tls.ca_file '" + options.ca_file +
            "' holds no PEM certificate; it must contain -----BEGIN CERTIFICATE-----");
    if (!options.ca_pem.empty() && add_certificates(store.get(), options.ca_pem) == 0)
        return detail::config_error(
            "tls.ca_pem holds no PEM certificate; it must contain -----BEGIN CERTIFICATE-----");
    if (!options.crl_pem.empty())
    {
        if (add_revocation_lists(store.get(), options.crl_pem) == 0)
            return detail::config_error("tls.crl_pem holds no PEM revocation list; it must contain "
                                        "-----BEGIN X509 CRL-----");
        X509_STORE_set_flags(store.get(), X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    }
    read_ahead(store.get());
    return store;
}

bool wants_system_store_alone(tls_options const& options)
{
    return options.ca_file.empty() && options.ca_pem.empty() && options.crl_pem.empty();
}

// RFC 9325 and RFC 10015: no static RSA, no anonymous or null suites, and no DHE, whose group the
// server chooses: one of 8192 bits would hold the event loop for a third of a second. Level 2
// refuses keys and signatures that are too weak, whatever the system's configuration says.
constexpr char const* ciphers = "DEFAULT:!kRSA:!kDHE:!kPSK:!aPSK:!kSRP:!aNULL:!eNULL:@SECLEVEL=2";
constexpr unsigned char alpn[] = "\x08http/1.1";

bool apply_settings(SSL_CTX* context)
{
    SSL_CTX_set_security_level(context, 2);
    SSL_CTX_set_options(
        context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CLEANSE_PLAINTEXT);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_cert_verify_callback(context, verify, nullptr);
    return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(context, ciphers) == 1 &&
           SSL_CTX_set_alpn_protos(context, alpn, sizeof(alpn) - 1) == 0;
}

result<std::shared_ptr<tls_context>>
make_context(tls_options const& options, std::string const& ca_file_text)
{
    forget_failures();
    std::unique_ptr<SSL_CTX, free_context> made(SSL_CTX_new(TLS_client_method()));
    if (!made)
        throw std::bad_alloc();
    auto context = std::make_shared<tls_context>(made.get(), options.session_resumption);
    SSL_CTX* const native = made.release();
    bool const good = apply_settings(native);
    // Also where it was made: then some of the algorithms are missing.
    throw_if_lacked_memory();
    if (!good)
        return detail::config_error("this OpenSSL offers none of the TLS versions and ciphers that "
                                    "are required (TLS 1.3, or 1.2 with ECDHE)");
    static system_store shared;
    auto store =
        wants_system_store_alone(options) ? shared.get() : make_store(options, ca_file_text);
    if (!store)
        return store.error();
    SSL_CTX_set_cert_store(native, store->release());
    return context;
}

struct cached_context
{
    tls_options options;
    // What `ca_file` held: a file that was replaced must not be served from the cache.
    std::string ca_file_text;
    std::shared_ptr<tls_context> context;
};

bool same(tls_options const& a, tls_options const& b)
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
            if (!same(i->options, options) || i->ca_file_text != ca_file_text)
                continue;
            entries_.splice(entries_.begin(), entries_, i);
            return i->context;
        }
        auto made = make_context(options, ca_file_text);
        if (!made)
            return made;
        entries_.push_front({options, ca_file_text, *made});
        if (entries_.size() > capacity)
            entries_.pop_back();
        return made;
    }

private:
    static constexpr std::size_t capacity = 16;

    std::mutex mutex_;
    // Most recently used first.
    std::list<cached_context> entries_;
};

} // namespace

void tls_context::free_session::operator()(SSL_SESSION* session) const noexcept
{
    SSL_SESSION_free(session);
}

tls_context::tls_context(SSL_CTX* native, bool keep_sessions)
    : native_(native)
    , keep_sessions_(keep_sessions)
{
    if (!keep_sessions)
    {
        SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
        return;
    }
    SSL_CTX_set_session_cache_mode(
        native, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL | SSL_SESS_CACHE_NO_AUTO_CLEAR);
    SSL_CTX_sess_set_new_cb(native, on_new_session);
}

tls_context::~tls_context()
{
    SSL_CTX_free(native_);
}

void tls_context::attach(SSL* connection, session_key& owner)
{
    if (!keep_sessions_)
        return;
    SSL_set_app_data(connection, &owner);
    if (auto const session = take(owner.peer))
        SSL_set_session(connection, session.get());
}

// Called when a session is complete: in TLS 1.3 whenever a ticket comes, long after the handshake.
int tls_context::on_new_session(SSL* connection, SSL_SESSION* session)
{
    // A server sends one or two, but may send them without end.
    constexpr unsigned most_of_one_connection = 4;
    auto* const owner = static_cast<session_key*>(SSL_get_app_data(connection));
    if (owner == nullptr || SSL_SESSION_is_resumable(session) != 1 ||
        owner->kept == most_of_one_connection)
        return 0;
    ++owner->kept;
    try
    {
        owner->context->keep(owner->peer, session_ptr(session));
        return 1;
    }
    catch (...)
    {
        // Without memory there is one session less; `session_ptr` has freed our reference.
        return 1;
    }
}

// The ticket is what a server can blow up.
std::size_t tls_context::size_of(SSL_SESSION const* session) noexcept
{
    unsigned char const* ticket = nullptr;
    std::size_t size = 0;
    SSL_SESSION_get0_ticket(session, &ticket, &size);
    return size;
}

tls_context::session_ptr
tls_context::server::remove(std::vector<session_ptr>::iterator which) noexcept
{
    bytes -= size_of(which->get());
    auto removed = std::move(*which);
    sessions.erase(which);
    return removed;
}

void tls_context::keep(std::string const& peer, session_ptr session)
{
    // As many as connections are opened at once, unless their tickets are large.
    constexpr std::size_t most_sessions = 128;
    constexpr std::size_t most_bytes = std::size_t(256) * 1024;
    constexpr std::size_t most_servers = 1024;
    std::lock_guard const lock(mutex_);
    auto found = by_peer_.find(peer);
    if (found == by_peer_.end())
    {
        // Complete before it is among them: there may be no memory for the second part.
        std::list<server> made(1);
        made.front().peer = peer;
        found = by_peer_.emplace(peer, made.begin()).first;
        servers_.splice(servers_.begin(), made);
    }
    else
        servers_.splice(servers_.begin(), servers_, found->second);
    auto& of = *found->second;
    of.sessions.push_back(std::move(session));
    of.bytes += size_of(of.sessions.back().get());
    while (of.sessions.size() > most_sessions || (of.bytes > most_bytes && of.sessions.size() > 1))
        of.remove(of.sessions.begin());
    if (servers_.size() > most_servers)
    {
        by_peer_.erase(servers_.back().peer);
        servers_.pop_back();
    }
}

// A ticket of TLS 1.3 is for one connection (RFC 8446 appendix C.4): it is taken out. One of 1.2
// stays.
tls_context::session_ptr tls_context::take(std::string const& peer)
{
    std::lock_guard const lock(mutex_);
    auto const found = by_peer_.find(peer);
    if (found == by_peer_.end() || found->second->sessions.empty())
        return nullptr;
    auto& sessions = found->second->sessions;
    if (SSL_SESSION_get_protocol_version(sessions.back().get()) < TLS1_3_VERSION)
    {
        SSL_SESSION_up_ref(sessions.back().get());
        return session_ptr(sessions.back().get());
    }
    return found->second->remove(std::prev(sessions.end()));
}

result<std::shared_ptr<tls_context>> find_tls_context(tls_options const& options)
{
    static context_cache cache;
    std::string ca_file_text;
    if (!options.ca_file.empty())
    {
        auto text = read_file(options.ca_file);
        if (!text)
            return text.error();
        ca_file_text = std::move(*text);
    }
    return cache.find(options, ca_file_text);
}

} // namespace coauth::net
