/** Owns which handler serves which operation. A missing one does not compile. */
import type { Handler, PublicContext } from './edge-context.ts';
import type { EdgeServices } from './edge-services.ts';
import { createAsyncApi, createContractSchema } from './contracts.ts';
import { createLive, createReady } from './health.ts';
import { createDocsAsset } from './docs/docs-assets.ts';
import { createDocsPage, toDocs } from './docs/docs-page.ts';
import { createOpenApi } from './openapi.ts';
import type { ProtectedOperationId, PublicOperationId } from './operations.ts';
import { createCancelOrder, createConfirmOrder } from '../actors/order/operations/command-order.ts';
import { createListOrderEvents } from '../actors/order/operations/list-order-events.ts';
import { createGetOrder } from '../actors/order/operations/get-order.ts';
import { createListCustomerOrders, createListOrders } from '../actors/order/operations/list-orders.ts';
import { createPlaceOrder } from '../actors/order/operations/place-order.ts';
import { createGetStock } from '../actors/stock/operations/get-stock.ts';
import { createSetStock } from '../actors/stock/operations/set-stock.ts';
import { createSetStockBatch } from '../actors/stock/operations/set-stock-batch.ts';

export interface Handlers {
  readonly protected: Readonly<Record<ProtectedOperationId, Handler>>;
  readonly public: Readonly<Record<PublicOperationId, Handler<PublicContext>>>;
}

export function createHandlers(services: EdgeServices): Handlers {
  return {
    protected: {
      placeOrder: createPlaceOrder(services),
      listOrders: createListOrders(services),
      listCustomerOrders: createListCustomerOrders(services),
      getOrder: createGetOrder(services),
      listOrderEvents: createListOrderEvents(services),
      confirmOrder: createConfirmOrder(services),
      cancelOrder: createCancelOrder(services, 'body'),
      deleteOrder: createCancelOrder(services, 'delete'),
      setStockBatch: createSetStockBatch(services),
      setStock: createSetStock(services),
      getStock: createGetStock(services),
    },
    public: {
      live: createLive(services),
      ready: createReady(services),
      openApi: createOpenApi(services.version),
      asyncApi: createAsyncApi(),
      contractSchema: createContractSchema(),
      docs: createDocsPage(services.version),
      docsAsset: createDocsAsset(),
      root: toDocs,
    },
  };
}
