#include <coauth/token_store.hpp>

namespace coauth
{

token_store::~token_store() = default;

} // namespace coauth
