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

// The calls of one client to a user's signer that have not completed. Outlives client and context:
// a signer may complete later than either, from another thread.
class pending_signatures
{
public:
    // Destroys the handlers, as the context does. Nothing is posted to the context any more.
    void context_gone() noexcept;

private:
    friend class external_signature;

    std::mutex mutex_;
    std::list<external_signature*> waiting_;
    bool context_is_gone_ = false;
};

// One call of a user's signer, which may complete from any thread, more than once, or never.
class external_signature final : public net::cancellable,
                                 public std::enable_shared_from_this<external_signature>
{
public:
    using handler_type = net::continuation<result<std::string>>;

    explicit external_signature(std::shared_ptr<pending_signatures> pending);
    ~external_signature();
    external_signature(external_signature const&) = delete;
    external_signature& operator=(external_signature const&) = delete;

    // The handler is called once, never within this call.
    void set_handler(handler_type handler);
    // Calls the signer, unless the handler has been called meanwhile.
    void call_signer(signer_function const& sign, std::string input);
    void cancel() noexcept override;

private:
    friend class pending_signatures;

    void complete(result<std::string> signature) noexcept;

    std::shared_ptr<pending_signatures> const pending_;
    // Guarded by the mutex of `pending_`. The node is in its list while there is a handler.
    std::list<external_signature*> node_;
    handler_type handler_;
};

} // namespace coauth::detail

#endif
