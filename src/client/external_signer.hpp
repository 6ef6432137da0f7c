#ifndef COAUTH_SRC_CLIENT_EXTERNAL_SIGNER_HPP
#define COAUTH_SRC_CLIENT_EXTERNAL_SIGNER_HPP

#include <coauth/signing_key.hpp>

#include "net/continuation.hpp"
#include "net/stop_state.hpp"

#include <list>
#include <memory>
#include <mutex>
#include <string>

namespace coauth::detail
{

class external_signature;

// The questions of one client to a user's signer. Its lock outlives client and context, since
// responses may come later than either, from other threads.
class pending_signatures
{
public:
    // Drops those who wait, as the context does. Nothing is posted to it any more.
    void context_gone() noexcept;

private:
    friend class external_signature;

    std::mutex mutex_;
    std::list<external_signature*> waiting_;
    bool gone_ = false;
};

// One question to a user's signer, which responds from any thread, twice, or never.
class external_signature final : public net::cancellable,
                                 public std::enable_shared_from_this<external_signature>
{
public:
    using handler = net::continuation<result<std::string>>;

    explicit external_signature(std::shared_ptr<pending_signatures> desk);
    ~external_signature();
    external_signature(external_signature const&) = delete;
    external_signature& operator=(external_signature const&) = delete;

    // Takes the handler, which is called once, never within this call.
    void hold(handler done);
    // Asks the signer, unless the handler has been called meanwhile.
    void ask(signer_function const& sign, std::string input);
    void cancel() noexcept override;

private:
    friend class pending_signatures;
    class once;

    void settle(result<std::string> signature) noexcept;

    std::shared_ptr<pending_signatures> const desk_;
    // Under the lock of the desk. A place in its list while there is a handler.
    std::list<external_signature*> place_;
    handler done_;
};

} // namespace coauth::detail

#endif
